"""What is known of one track, for `earmark show`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.errors import UserError
from pipeline.tables.near_names import near_names
from pipeline.tables.output import cell, printable

# Shape letters: N chunks, K tags.

BLOCKS = " ▁▂▃▄▅▆▇█"
BAR_CELLS = 24
LABEL_CELLS = 26
SHOWN_MATCHES = 10
URI_END = 48
SHOWN_FACTS = (
    *("artist", "title", "album", "year", "uri", "duration_s", "codec", "sample_rate_hz"),
    *("num_channels", "size_bytes", "dataset", "split", "license", "labels", "reason", "detail"),
    "audio_version",
)
SHOWN_DESCRIPTORS = (
    *("tempo_bpm", "beats_per_bar", "beat_regularity", "onset_density_hz", "key", "mode"),
    *("key_confidence", "tuning_cents", "chord", "chord_changes_hz", "pitch_lowest_midi"),
    *("pitch_highest_midi", "loudness_lufs", "loudness_range_lu", "crest_db", "brightness_mean"),
)
WAYS = (
    "track_id = $1",
    "starts_with(track_id, $1)",
    "ends_with(uri, $1) OR lower(title) = lower($1)",
    "contains(lower(title), lower($1)) OR contains(lower(uri), lower($1))",
)


@dataclass(frozen=True)
class TrackCard:
    """What the tables say of one track.

    Attributes:
        track_id: its identity.
        facts: its row in the catalog; empty if it has none.
        results: its rows in the ledger, newest first.
        tags: rows of `tags`, best first, by taxonomy.
        descriptors: its row of `descriptors`; empty if it has none.
    """

    track_id: str
    facts: dict[str, Any]
    results: list[dict[str, Any]]
    tags: dict[str, list[dict[str, Any]]]
    descriptors: dict[str, Any]


@dataclass(frozen=True)
class Taggram:
    """Scores over a track's time.

    Attributes:
        title: what scored it.
        tags: names of the tags (K).
        starts_s: (N,) where the chunks start, seconds.
        scores_NK: (N, K) 0 to 1.
    """

    title: str
    tags: tuple[str, ...]
    starts_s: NDArray[np.float64]
    scores_NK: NDArray[np.float32]


def track_card(connection: DuckDBPyConnection, *, track: str) -> TrackCard:
    """Finds a track and collects what the views say of it.

    Args:
        connection: from `open_views`.
        track: its id, the beginning of its id, the end of its URI, its title, or a part of these.

    Raises:
        UserError: no track, or several, are meant.
    """
    track_id = find_track(connection, track=track)
    facts = _fetch(connection, "SELECT * FROM tracks WHERE track_id = $1", track_id)
    results = _fetch(
        connection,
        "SELECT model_version, scoring_id, audio_version, status, reason, detail, duration_s, "
        "num_chunks, tagged_at FROM results WHERE track_id = $1 ORDER BY tagged_at DESC",
        track_id,
    )
    rows = _fetch(
        connection, "SELECT * FROM tags WHERE track_id = $1 ORDER BY taxonomy, rank", track_id
    )
    tags: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        tags.setdefault(row["taxonomy"], []).append(row)
    described = _fetch(connection, "SELECT * FROM descriptors WHERE track_id = $1", track_id)
    return TrackCard(
        track_id, facts[0] if facts else {}, results, tags, described[0] if described else {}
    )


def find_track(connection: DuckDBPyConnection, *, track: str) -> str:
    """The id of the one track that is meant.

    Raises:
        UserError: no track, or several, are meant.
    """
    for way in WAYS:
        found = _fetch(
            connection,
            f"SELECT track_id, uri, artist, title FROM tracks WHERE {way} "
            f"ORDER BY track_id LIMIT {SHOWN_MATCHES + 1}",
            track,
        )
        if len(found) == 1:
            return str(found[0]["track_id"])
        if found:
            raise UserError(_several(track, found=found))
    near = "; ".join(near_names(connection, name=track))
    raise UserError(
        f"no track {track!r} in the catalog{f'; near it are: {near}' if near else ''}. Give a "
        "track_id or the beginning of one, the end of a URI, or a part of a title. `earmark query "
        "'SELECT track_id, title FROM tracks'` lists them"
    )


def _several(track: str, *, found: list[dict[str, Any]]) -> str:
    lines = [
        "  "
        + "  ".join(cell(row[name]) for name in ("track_id", "artist", "title"))
        + f"  ...{printable(row['uri'][-URI_END:])}"
        for row in found[:SHOWN_MATCHES]
    ]
    more = "\n  ..." if len(found) > SHOWN_MATCHES else ""
    return f"{track!r} can mean several tracks; give one id:\n" + "\n".join(lines) + more


def _fetch(connection: DuckDBPyConnection, sql: str, value: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.sql(sql, params=[value]).to_arrow_table().to_pylist()
    return rows


def render_card(
    card: TrackCard, *, taggrams: Sequence[Taggram] = (), width: int, top: int
) -> RenderableType:
    """The card for a terminal.

    Args:
        card: what the tables say.
        taggrams: tags over time, where they have been scored.
        width: characters a line.
        top: tags that are shown of each taxonomy.
    """
    parts: list[RenderableType] = [Text(card.track_id, style="bold")]
    parts += [_named(card.facts, SHOWN_FACTS) if card.facts else Text("not in the catalog")]
    if card.descriptors:
        parts += [Text("descriptors", style="italic"), _named(card.descriptors, SHOWN_DESCRIPTORS)]
    parts += [_results(card.results)] if card.results else [Text("not tagged yet: earmark tag")]
    if not card.tags and any(row["status"] == "ok" for row in card.results):
        parts.append(Text("its tags are not published yet: earmark publish"))
    parts += [_tags(name, rows=rows[:top]) for name, rows in card.tags.items()]
    for taggram in taggrams:
        parts += [Text(f"\n{printable(taggram.title)}: tags over time", style="bold")]
        parts += [Text(taggram_text(taggram, width=width, top=top), no_wrap=True)]
    return Group(*parts)


def taggram_text(taggram: Taggram, *, width: int, top: int) -> str:
    """Tags over time in block characters: a line a tag, best first, over a time axis.

    The highest block stands for the highest score that is shown; the last line names it.
    """
    num_chunks = len(taggram.starts_s)
    if not num_chunks:
        return "no chunk was scored"
    order = np.argsort(-taggram.scores_NK.mean(axis=0), kind="stable")[:top]
    highest = float(taggram.scores_NK[:, order].max())
    num_cells = min(num_chunks, max(1, width - LABEL_CELLS - 1))
    cells = [part.tolist() for part in np.array_split(np.arange(num_chunks), num_cells)]
    repeat = max(1, (width - LABEL_CELLS - 1) // num_cells)
    lines = []
    for k in order:
        means = np.array([taggram.scores_NK[part, k].mean() for part in cells])
        levels = np.rint(means / max(highest, 1e-9) * (len(BLOCKS) - 1)).astype(int)
        label = printable(taggram.tags[k])[: LABEL_CELLS - 1]
        lines.append(f"{label:<{LABEL_CELLS}}" + "".join(BLOCKS[n] * repeat for n in levels))
    lines.append(" " * LABEL_CELLS + _time_axis(taggram.starts_s, width=num_cells * repeat))
    return "\n".join([*lines, f"{'':<{LABEL_CELLS}}full height = {highest:.2f}"])


def _time_axis(starts_s: NDArray[np.float64], *, width: int) -> str:
    first, last = clock(float(starts_s[0])), clock(float(starts_s[-1]))
    gap = width - len(first) - len(last)
    return first + "─" * gap + last if gap > 0 else f"{first} to {last}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as on a player."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _named(values: dict[str, Any], names: Sequence[str]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for name in names:
        if values.get(name) not in (None, []):
            grid.add_row(Text(name, style="dim"), Text(cell(values[name])))
    return grid


def _results(results: list[dict[str, Any]]) -> Table:
    grid = Table(title="results", title_justify="left", show_edge=False, pad_edge=False)
    names = ("model_version", "status", "reason", "duration_s", "num_chunks", "tagged_at")
    for name in names:
        grid.add_column(name)
    for row in results:
        shown = row | {"tagged_at": f"{row['tagged_at']:%Y-%m-%d %H:%M}"}
        grid.add_row(*(Text(cell(shown[name])) for name in names))
    return grid


def _tags(taxonomy: str, *, rows: list[dict[str, Any]]) -> Table:
    title = Text(f"{taxonomy} ({rows[0]['model_version']})")
    grid = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for name in ("tag", "category", "score", "", "threshold", "positive"):
        grid.add_column(name)
    for row in rows:
        filled = round(row["score"] * BAR_CELLS)
        bar = Text("█" * filled + "·" * (BAR_CELLS - filled), style="cyan")
        name, category = printable(row["tag"]), printable(row["category"])
        positive = {True: "yes", False: "no", None: ""}[row["positive"]]
        numbers = [Text(cell(row["score"])), bar, Text(cell(row["threshold"]))]
        grid.add_row(Text(name), Text(category), *numbers, Text(positive))
    return grid
