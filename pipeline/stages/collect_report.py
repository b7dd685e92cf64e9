"""What a report shows of a workspace: asked of the views, and heard from a few tracks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from pipeline.errors import ConfigError, DataError
from pipeline.evaluation.agreement import Agreement, agreement, pairs_by_name
from pipeline.evaluation.plots import band_centres_hz, mel_picture, taggram_picture
from pipeline.evaluation.report import (
    Answer,
    Fault,
    ModelFacts,
    Picture,
    ReportData,
    Summary,
    TrackPictures,
    TrackRow,
)
from pipeline.stages.compare import read_comparisons
from pipeline.stages.listen import Heard, listen
from pipeline.storage import Storage
from pipeline.tables.scorings import Scoring, read_scorings
from pipeline.tables.views import run_query

TRACKS, FAULTS, CARDS, TOP_TAGS, BEST_TAGS = 200, 100, 4, 10, 5
BEST = "Which tags are most often a track's best?"
BEST_SQL = """SELECT taxonomy, tag, count(*) AS tracks, avg(score) AS mean_score
FROM tags WHERE rank = 1 GROUP BY ALL ORDER BY tracks DESC, tag LIMIT 8"""
MOST = "Which tracks have the most of '{tag}'?"
MOST_SQL = """SELECT t.artist, t.title, g.score, t.track_id
FROM tags g JOIN tracks t USING (track_id)
WHERE g.tag = '{tag}' ORDER BY g.score DESC, t.track_id LIMIT 5"""


def collect_report(
    connection: DuckDBPyConnection,
    *,
    root_url: str,
    storage: Storage,
    title: str,
    wall_s: float | None,
) -> ReportData:
    """Everything on the page.

    Args:
        connection: from `open_views`.
        root_url: the workspace.
        storage: how to reach it.
        title: the heading.
        wall_s: time that tagging took, seconds, if it is known.
    """
    scorings = read_scorings(root_url, storage=storage)
    current = _rows(connection, "SELECT DISTINCT scoring_id FROM tags ORDER BY 1")
    shown = {row["scoring_id"]: scorings[row["scoring_id"]] for row in current}
    tracks = _tracks(connection)
    return ReportData(
        title=title,
        workspace=root_url,
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=_summary(connection, wall_s=wall_s),
        models=tuple(_model(connection, scoring) for scoring in shown.values()),
        tracks=tuple(tracks),
        cards=tuple(_cards(connection, tracks, scorings=shown, root_url=root_url, storage=storage)),
        answers=answers(connection),
        faults=_faults(connection),
        agreements=_agreements(connection, shown),
        comparisons=read_comparisons(root_url, storage=storage),
    )


def answers(connection: DuckDBPyConnection) -> tuple[Answer, ...]:
    """Two questions to the tags, with their SQL."""
    best = run_query(connection, BEST_SQL)
    if not best.num_rows:
        return ()
    tag = best["tag"][0].as_py()
    quoted = tag.replace("'", "''")
    asked = [(BEST, BEST_SQL), (MOST.format(tag=tag), MOST_SQL.format(tag=quoted))]
    found = []
    for question, sql in asked:
        table = run_query(connection, sql)
        rows = tuple(tuple(row.values()) for row in table.to_pylist())
        found.append(Answer(question, sql, tuple(table.column_names), rows))
    return tuple(found)


def _rows(connection: DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run_query(connection, sql).to_pylist()
    return rows


def _summary(connection: DuckDBPyConnection, *, wall_s: float | None) -> Summary:
    (row,) = _rows(
        connection,
        "WITH worst AS (SELECT track_id, bool_or(status = 'failed') AS failed, "
        "bool_or(status = 'ok' AND reason IS NOT NULL) AS flagged, max(duration_s) AS duration_s "
        "FROM results SEMI JOIN tracks USING (track_id, audio_version) GROUP BY track_id) "
        "SELECT (SELECT count(*) FROM tracks) AS tracks, coalesce(sum(duration_s), 0) AS audio_s, "
        "count(*) FILTER (NOT failed) AS ok, count(*) FILTER (flagged AND NOT failed) AS flagged, "
        "count(*) FILTER (failed) AS failed FROM worst",
    )
    return Summary(**row, wall_s=wall_s)


def _model(connection: DuckDBPyConnection, scoring: Scoring) -> ModelFacts:
    top = _rows(
        connection,
        "SELECT category || '---' || tag AS tag, count(*) AS tracks FROM tags WHERE rank = 1 "
        f"AND scoring_id = '{scoring.scoring_id}' GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {TOP_TAGS}",
    )
    return ModelFacts(
        model_version=scoring.model_version,
        scoring_id=scoring.scoring_id,
        taxonomy=scoring.taxonomy.name,
        num_tags=len(scoring.taxonomy.tags),
        calibrated=scoring.thresholds is not None,
        facts={"input": scoring.input, "front end": scoring.frontend["name"]},
        top_tags=tuple((row["tag"], row["tracks"]) for row in top),
    )


def _tracks(connection: DuckDBPyConnection) -> list[TrackRow]:
    rows = _rows(
        connection,
        "WITH best AS (SELECT track_id, taxonomy, list({'tag': category || '---' || tag, "
        "'score': score} ORDER BY rank) AS tags FROM tags "
        f"WHERE rank <= {BEST_TAGS} GROUP BY ALL) "
        "SELECT t.track_id, t.title, t.artist, t.duration_s, "
        "map_from_entries(list((taxonomy, tags) ORDER BY taxonomy)) AS tags "
        "FROM tracks t JOIN best USING (track_id) "
        "GROUP BY t.track_id, t.title, t.artist, t.duration_s "
        f"ORDER BY hash(t.track_id) LIMIT {TRACKS}",
    )
    return [
        TrackRow(
            row["track_id"],
            row["title"] or "",
            row["artist"] or "",
            row["duration_s"],
            {
                taxonomy: tuple((tag["tag"], tag["score"]) for tag in tags)
                for taxonomy, tags in row["tags"]
            },
        )
        for row in rows
    ]


def _cards(
    connection: DuckDBPyConnection,
    tracks: list[TrackRow],
    *,
    scorings: dict[str, Scoring],
    root_url: str,
    storage: Storage,
) -> list[TrackPictures]:
    """The first tracks whose audio can be read now, with their mel and taggrams."""
    references = list(dict.fromkeys(scoring.reference for scoring in scorings.values()))
    cards: list[TrackPictures] = []
    for track in tracks:
        if len(cards) == CARDS:
            break
        quoted = track.track_id.replace("'", "''")
        sql = f"SELECT uri FROM tracks WHERE track_id = '{quoted}'"
        try:
            heard = listen(
                _rows(connection, sql)[0]["uri"],
                references=references,
                root_url=root_url,
                storage=storage,
            )
        except (DataError, ConfigError):
            continue  # audio or model were there once; the table still shows the scores
        cards.append(TrackPictures(track, tuple(_pictures(heard))))
    return cards


def _pictures(heard: list[Heard]) -> list[Picture]:
    pictures = []
    for i, h in enumerate(heard):
        if i == 0:
            centres = band_centres_hz(
                n_mels=h.spec.n_mels,
                f_min=h.spec.f_min,
                f_max=h.spec.f_max,
                mel_scale=h.spec.mel_scale,
            )
            hop_s = h.spec.hop_length / h.spec.sample_rate
            png = mel_picture(h.mel_MF, hop_s=hop_s, bands_hz=centres, title="mel")
            pictures.append(Picture(png, "mel spectrogram"))
        title = f"{h.bundle.name}: tags over time"
        png = taggram_picture(
            h.scores.starts_s,
            h.scores.scores_NK,
            tags=h.bundle.taxonomy.names,
            top=TOP_TAGS,
            title=title,
        )
        pictures.append(Picture(png, title))
    return pictures


def _faults(connection: DuckDBPyConnection) -> tuple[Fault, ...]:
    rows = _rows(
        connection,
        "SELECT DISTINCT r.track_id, t.uri, r.status, r.reason, coalesce(r.detail, '') AS detail "
        "FROM results r JOIN tracks t USING (track_id, audio_version) WHERE r.reason IS NOT NULL "
        f"ORDER BY r.status, r.reason, r.track_id LIMIT {FAULTS}",
    )
    return tuple(Fault(**row) for row in rows)


def _agreements(
    connection: DuckDBPyConnection, scorings: dict[str, Scoring]
) -> dict[str, tuple[Agreement, ...]]:
    """Published tags against the catalog's labels of the same name, where it has labels."""
    found = {}
    for scoring in scorings.values():
        rows = _rows(
            connection,
            "SELECT r.scores, t.labels FROM results r "
            "JOIN tracks t USING (track_id, audio_version) "
            f"WHERE r.status = 'ok' AND r.scoring_id = '{scoring.scoring_id}' "
            "AND len(t.labels) > 0 ORDER BY r.track_id",
        )
        labels = [row["labels"] for row in rows]
        pairs = pairs_by_name(scoring.taxonomy.tags, {label for mine in labels for label in mine})
        if pairs:
            scores_NK = np.array([row["scores"] for row in rows], dtype=np.float32)
            found[scoring.model_version] = tuple(
                agreement(scores_NK, tags=scoring.taxonomy.tags, labels=labels, pairs=pairs)
            )
    return found
