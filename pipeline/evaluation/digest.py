"""The short of a report, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.evaluation.report import Answer, ReportData, TrackRow

TRACKS, FAULTS, TAGS = 4, 10, 4


def digest(data: ReportData) -> str:
    """A few tracks with their best tags, the questions with their answers, the failed files."""
    return "\n".join(_lines(data))


def _lines(data: ReportData) -> Iterator[str]:
    for track in data.tracks[:TRACKS]:
        yield from _track(track)
    for answer in data.answers:
        yield from _answer(answer)
    failed = [fault for fault in data.faults if fault.status == "failed"]
    yield f"\nfailed files: {len(failed)}" + ("" if len(failed) <= FAULTS else f", first {FAULTS}")
    for fault in failed[:FAULTS]:
        yield f"  {fault.reason:<12} {_plain(fault.uri)}  {_plain(fault.detail)}"
    for fault in data.faults:
        if fault.status == "ok":
            yield f"  tagged, but {fault.reason}: {_plain(fault.uri)}  {_plain(fault.detail)}"


def _track(track: TrackRow) -> Iterator[str]:
    name = " - ".join(part for part in (track.artist, track.title) if part) or track.track_id
    yield f"\n{_plain(name)}"
    for taxonomy, tags in track.tags.items():
        listed = ", ".join(f"{tag.rpartition('---')[2]} {score:.2f}" for tag, score in tags[:TAGS])
        yield f"  {taxonomy:<8} {listed}"


def _answer(answer: Answer) -> Iterator[str]:
    yield f"\n{answer.question}"
    yield from (f"  {line}" for line in answer.sql.splitlines())
    rows = [[_cell(value) for value in row] for row in answer.rows]
    table = [list(answer.columns), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(answer.columns))]
    for row in table:
        yield "    " + "  ".join(f"{text:<{w}}" for text, w in zip(row, widths, strict=True))


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else _plain(str(value or ""))[:48]


def _plain(text: str) -> str:
    """Nothing that a terminal would obey: titles come from files."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
