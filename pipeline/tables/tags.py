"""The table `tags`: one row a track, scoring and tag, derived from `results`.

A row of `results` is taken once: what `tags` has under the same track, audio version and scoring
is left out, so publishing again adds nothing. Rows of a version of the audio that was superseded
stay in the table; the views leave them out.

Two publishers at once: each commit carries an application transaction on its scoring, on the
handle from which the missing rows were computed. deltalake refuses the second one (it looks for
commits of that application since the handle's version), which then computes anew. The files of a
refused commit belong to no version; nothing removes them yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from duckdb import DuckDBPyConnection

from pipeline.errors import TableError
from pipeline.schemas import RESULTS, TAGS
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.current import set_current_where_none
from pipeline.tables.database import database
from pipeline.tables.scorings import Scoring, read_scorings, scoring_url
from pipeline.tables.stream import append_stream

TABLE = "tags"
ROW_GROUP_ROWS = 50_000
MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class PublishReport:
    """What one `publish` did.

    Attributes:
        tracks: by scoring_id, tracks whose tags were added; 0 for what was up to date.
        rows: rows added to `tags`.
        made_current: scorings that became current because their taxonomy had none.
    """

    tracks: dict[str, int]
    rows: int
    made_current: tuple[str, ...]

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = []
        for scoring_id, tracks in self.tracks.items():
            current = ", now current" if scoring_id in self.made_current else ""
            lines.append(f"scoring {scoring_id}: {tracks:,} tracks added{current}")
        return [*lines, f"{self.rows:,} rows added to tags"]


def publish(
    root_url: str, *, storage: Storage, memory_mb: int, only: str | None = None
) -> PublishReport:
    """Brings `tags` up to date with `results`, and gives each taxonomy a current scoring.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        only: this scoring alone; None: all.

    Raises:
        TableError: there are no results, a scoring is not described, a row has another number of
            scores than its taxonomy has tags, or other publishers commit all the time.
    """
    results_url = join(root_url, "results")
    results = delta.open_existing(results_url, storage=storage, schema=RESULTS)
    if results is None:
        raise TableError(f"there are no results at {results_url}; run `earmark tag` first")
    with database(memory_mb=memory_mb) as connection:
        delta.parquet_source(
            connection, name="results", table=results, schema=RESULTS, storage=storage
        )
        scorings = [
            scoring
            for scoring in _scorings_in_results(connection, root_url=root_url, storage=storage)
            if only in (None, scoring.scoring_id)
        ]
        tracks = {
            scoring.scoring_id: _publish_scoring(
                connection, scoring=scoring, tags_url=join(root_url, TABLE), storage=storage
            )
            for scoring in scorings
        }
    made = set_current_where_none(root_url, storage=storage, scorings=scorings)
    rows = sum(tracks[s.scoring_id] * len(s.taxonomy.tags) for s in scorings)
    return PublishReport(tracks, rows, made)


def _scorings_in_results(
    connection: DuckDBPyConnection, *, root_url: str, storage: Storage
) -> list[Scoring]:
    """The scorings with a scored track, the one that was begun first at the front."""
    found = connection.sql(
        "SELECT scoring_id FROM results WHERE status = 'ok' "
        "GROUP BY scoring_id ORDER BY min(tagged_at), scoring_id"
    ).fetchall()
    known = read_scorings(root_url, storage=storage)
    missing = [scoring_url(root_url, key) for (key,) in found if key not in known]
    if missing:
        raise TableError(
            f"results hold scorings that nothing describes; missing: {', '.join(missing)}. "
            "Run `earmark tag` with the same model again: it writes the file."
        )
    return [known[key] for (key,) in found]


def _publish_scoring(
    connection: DuckDBPyConnection, *, scoring: Scoring, tags_url: str, storage: Storage
) -> int:
    _make_tag_list(connection, scoring=scoring)
    for _ in range(MAX_ATTEMPTS):
        table = delta.open_table(tags_url, storage=storage, schema=TAGS)
        tracks = _find_fresh(connection, table=table, scoring=scoring, storage=storage)
        if not tracks:
            return 0
        try:
            _append(connection, table=table, tags_url=tags_url, scoring=scoring, storage=storage)
        except CommitFailedError:
            continue
        return tracks
    raise TableError(
        f"{tags_url}: other jobs published scoring {scoring.scoring_id} {MAX_ATTEMPTS} times "
        "while this one tried to; let one of them end, then run `earmark publish` again"
    )


def _make_tag_list(connection: DuckDBPyConnection, *, scoring: Scoring) -> None:
    """`tag_list`: position (from 1), name, category and threshold of the scoring's tags."""
    taxonomy = scoring.taxonomy
    thresholds = scoring.thresholds or [None] * len(taxonomy.tags)
    columns = {
        "position": pa.array(range(1, len(taxonomy.tags) + 1), pa.int32()),
        "tag": pa.array(taxonomy.names, pa.string()),
        "category": pa.array(taxonomy.categories, pa.string()),
        "threshold": pa.array(thresholds, pa.float32()),
    }
    connection.register("tag_list", pa.table(columns))


def _find_fresh(
    connection: DuckDBPyConnection, *, table: DeltaTable, scoring: Scoring, storage: Storage
) -> int:
    """`fresh`: what results have and the table's version lacks. Gives the number of tracks."""
    delta.parquet_source(connection, name="published", table=table, schema=TAGS, storage=storage)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS SELECT track_id, audio_version, scores "
        "FROM results ANTI JOIN (SELECT track_id, audio_version FROM published "
        "WHERE scoring_id = $1 AND rank = 1) USING (track_id, audio_version) "
        "WHERE scoring_id = $1 AND status = 'ok'",
        [scoring.scoring_id],
    )
    wrong = connection.execute(
        "SELECT track_id, len(scores) FROM fresh WHERE len(scores) IS DISTINCT FROM $1 LIMIT 1",
        [len(scoring.taxonomy.tags)],
    ).fetchone()
    if wrong:
        raise TableError(
            f"results of scoring {scoring.scoring_id} contradict its taxonomy "
            f"{scoring.taxonomy.taxonomy_id}: track {wrong[0]} has {wrong[1]} scores, the taxonomy "
            f"has {len(scoring.taxonomy.tags)} tags. The description of the scoring was changed."
        )
    return int(connection.sql("SELECT count(*) FROM fresh").fetchall()[0][0])


def _append(
    connection: DuckDBPyConnection,
    *,
    table: DeltaTable,
    tags_url: str,
    scoring: Scoring,
    storage: Storage,
) -> None:
    # A track's scores are ranked inside its row: a window over all rows would sort them twice.
    rows = connection.sql(
        """
        WITH ranked AS (
            SELECT track_id, audio_version, scores, generate_subscripts(scores, 1) AS rank,
                unnest(list_sort(list_transform(
                    scores, lambda score, position: {'down': -score, 'position': position}
                ))).position AS position
            FROM fresh
        )
        SELECT track_id, audio_version, $1 AS scoring_id, $2 AS taxonomy_id, tag, category,
            scores[position] AS score, threshold, scores[position] >= threshold AS positive,
            rank::INTEGER AS rank
        FROM ranked JOIN tag_list USING (position)
        ORDER BY tag, category, score DESC, track_id
        """,
        params=[scoring.scoring_id, scoring.taxonomy.taxonomy_id],
    )
    append_stream(
        table,
        table_url=tags_url,
        storage=storage,
        schema=TAGS,
        batches=rows.to_arrow_reader(ROW_GROUP_ROWS),
        application=f"publish/{scoring.scoring_id}",
    )
