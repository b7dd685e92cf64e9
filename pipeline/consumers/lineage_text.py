"""A track's lineage as a tree of plain lines, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.consumers.lineage import NO_RECORD, Lineage
from pipeline.tables.commits import ranges
from pipeline.tables.output import printable

Row = dict[str, Any]
DIGITS = 12
"""Of a hash, as people compare them; --json has all."""
AT = len("2026-03-01T12:00:00")


@dataclass(frozen=True)
class Node:
    """A line and what belongs to it."""

    line: str
    below: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Chain:
    """A lineage as a verb tells it."""

    found: Lineage

    def lines(self) -> list[str]:
        """For the terminal."""
        return lineage_text(self.found).splitlines()

    def facts(self) -> Row:
        """For programs."""
        return self.found.facts()


def lineage_text(found: Lineage) -> str:
    """The whole chain, each run once in full."""
    writer = _Writer(found)
    parts = [
        *map(writer.catalog, found.rows["catalog"]),
        *(writer.made(row, what="features") for row in found.rows["feature_index"]),
        *(writer.made(row, what="descriptors") for row in found.rows["descriptors"]),
        *map(writer.scoring, found.rows["results"]),
        *map(writer.requeued, found.rows["requeued"]),
    ]
    if not found.rows["catalog"]:
        parts.insert(0, Node("catalog: no row any more"))
    lines = [printable(found.track_id), *_drawn(parts)]
    return "\n".join(lines) + "\n"


def _drawn(nodes: list[Node], indent: str = "") -> Iterable[str]:
    for node in nodes:
        last = node is nodes[-1]
        yield f"{indent}{'└─ ' if last else '├─ '}{printable(node.line)}"
        yield from _drawn(node.below, indent + ("   " if last else "│  "))


class _Writer:
    def __init__(self, found: Lineage) -> None:
        self._found = found
        self._told: set[str] = set()

    def catalog(self, row: Row) -> Node:
        named = ", ".join(filter(None, (row["title"], row["artist"])))
        copy = f" (copy {row['occurrence']})" if row["occurrence"] else ""
        return Node(
            f"catalog{copy}{': ' if named else ''}{named}",
            [
                Node(f"file {row['uri']}"),
                Node(f"source {row['source_url']}, scanned {_at(row['scanned_at'])}"),
                Node(f"{row['size_bytes'] or 0:,} bytes, version {row['audio_version']}"),
                *_wrong(row),
                *self._stored(row),
            ],
        )

    def made(self, row: Row, *, what: str) -> Node:
        """Features or descriptors."""
        below = [self._version(row), *_wrong(row)]
        if row.get("part"):
            last = row["first_row"] + row["num_rows"] - 1
            rows = f"row {last}" if row["num_rows"] == 1 else f"rows {row['first_row']} to {last}"
            below += [Node(f"mel in features/{row['part']}, {rows}, {row['num_frames']:,} frames")]
        below += [*self._stored(row), self._plan(row), *self._run(row["run_id"])]
        return Node(f"{what} {row['spec_id']}: {row['status']}, {_at(row['made_at'])}", below)

    def scoring(self, row: Row) -> Node:
        key = row["scoring_id"]
        below = [self._version(row), *_wrong(row), *self._model(key)]
        below += [*self._stored(row), self._plan(row), *self._run(row["run_id"])]
        below += [
            self._published(tags)
            for tags in self._found.rows["tags"]
            if (tags["scoring_id"], tags["audio_version"]) == (key, row["audio_version"])
        ]
        below += self._shown(key)
        kind = "taught tag" if self._found.scorings[key].get("base") else "scoring"
        head = f"{kind} {key}, {row['model_version']}: {row['status']}, {_at(row['tagged_at'])}"
        return Node(head, below)

    def requeued(self, row: Row) -> Node:
        head = f"failed before in {row['table_name']} under {row['key']}: {row['reason']}"
        again = Node(f"opened again {_at(row['requeued_at'])}")
        return Node(head, [Node(f"{row['detail']}"), again, *self._stored(row)])

    def _version(self, row: Row) -> Node:
        now = {one["audio_version"] for one in self._found.rows["catalog"]}
        same = "as in the catalog" if row["audio_version"] in now else "not the catalog's any more"
        return Node(f"of the file's version {row['audio_version']}, {same}")

    def _model(self, key: str) -> list[Node]:
        facts = self._found.scorings[key]
        if "model_version" not in facts:
            return [Node(facts["not_recorded"])]
        weights = facts["weights_sha256"]
        shown = f"sha256 {weights[:DIGITS]}" if weights else facts["not_recorded"]
        below = [Node(f"weights {shown}")]
        calibrated = "" if facts["is_calibrated"] else ", no thresholds"
        tags = _tags(facts["num_tags"])
        below += [Node(f"taxonomy {facts['taxonomy_id']}, {tags}{calibrated}")]
        below += [Node(f"from {facts['source']}")] if facts.get("source") else []
        below += [Node(f"bundle: {facts['bundle']}")] if "bundle" in facts else []
        if facts["base"]:
            below += [
                Node(
                    "embeddings of scoring {scoring_id}, {model_version}".format_map(facts["base"])
                )
            ]
        precision = f" in {facts['precision']}" if facts.get("precision") else ""
        head = f"model {facts['reference']}, read {facts['input']}{precision}"
        return [Node(head, below)]

    def _stored(self, row: Row) -> list[Node]:
        stored = row["stored"]
        table = stored["table_url"].rpartition("/")[2]
        commit = stored["commit"]
        if commit is None:
            return [Node(f"table {table}, {stored['file']}, {stored['not_recorded']}")]
        added, version = stored["added_in"], commit["version"]
        of_run = self._found.runs.get(commit["run_id"], {})
        same = commit["run_id"] and self._sources(of_run) == self._sources(commit)
        below = [] if same else [self._code(commit)]
        if added == [version]:
            head = f"table {table}, version {version}, {_at(commit['at'])}"
        else:
            why = commit["note"].get("maintenance", "rewrite")
            one_of = "version" if len(added) == 1 else "one of versions"
            before = f"added in {one_of} {ranges(added)}, " if added else ""
            head = (
                f"table {table}, {before}held by version {version} since {why} {_at(commit['at'])}"
            )
        if commit["run_id"] and commit["run_id"] != row.get("run_id"):
            below += self._run(commit["run_id"])
        return [Node(f"{head}, {stored['file']}", below)]

    def _code(self, facts: Row) -> Node:
        note: Row = facts.get("note") or facts.get("code") or {}
        version = note.get("earmark_version") or note.get("version")
        revision = note.get("code_revision") or note.get("revision")
        sources = note.get("sources_sha256")
        if not sources:
            return Node(f"code: {facts.get('not_recorded', NO_RECORD)}")
        known = f"revision {revision}" if revision else "revision not known here"
        return Node(f"code {version or ''}, {known}, sources sha256 {sources[:DIGITS]}")

    def _sources(self, facts: Row) -> str | None:
        note: Row = facts.get("note") or facts.get("code") or {}
        return note.get("sources_sha256")

    def _plan(self, row: Row) -> Node:
        plan = self._found.plans[row["plan_id"]]
        if "not_recorded" in plan:
            return Node(f"plan {row['plan_id']}: {plan['not_recorded']}")
        part = plan["part"] or "all of the catalog"
        when = f"submitted last {_at(plan['submitted_at'])}"
        return Node(f"plan {row['plan_id']}: {plan['num_tracks']:,} tracks, {part}, {when}")

    def _run(self, run_id: str) -> list[Node]:
        run = self._found.runs[run_id]
        verb = run.get("verb", "verb not recorded")
        if run_id in self._told:
            return [Node(f"run {run_id}, {verb}: above")]
        self._told.add(run_id)
        if "verb" not in run:
            asked = "does not know it" if run["mlflow_asked"] else "was not asked"
            return [Node(f"run {run_id}: {run['not_recorded']}; MLflow {asked}")]
        ended = f" to {_at(run['ended_at'])}" if run.get("ended_at") else ""
        head = f"run {run_id}, {verb}: {run['status']}, {_at(run['started_at'])}{ended}"
        return [Node(head, [self._code(run), _configuration(run), _mlflow(run), *_versions(run)])]

    def _published(self, row: Row) -> Node:
        positive = f", {row['num_positive']} positive" if row["num_positive"] else ""
        head = f"published: {_tags(row['num_tags'])}{positive}, the best is {row['best']}"
        return Node(head, self._stored(row))

    def _shown(self, key: str) -> list[Node]:
        shown = self._found.shown.get(key)
        if shown is None:
            return [Node("the views show another scoring of its taxonomy, or none")]
        since = f"since {_at(shown['since'])}" if shown["since"] else "not any more"
        moves: list[Node] = []
        for move in shown["moves"]:
            when = f"made current in version {move['version']} of current, {_at(move['at'])}"
            by = self._run(move["run_id"]) if move["run_id"] else [self._code(move)]
            moves.append(Node(when, by))
        moves += [Node(f"made current: {shown['not_recorded']}")] if "not_recorded" in shown else []
        return [Node(f"shown by the views {since}", moves)]


def _tags(number: int) -> str:
    return f"{number} tag{'' if number == 1 else 's'}"


def _wrong(row: Row) -> list[Node]:
    return [Node(f"{row['reason']}: {row['detail'] or 'no detail'}")] if row["reason"] else []


def _configuration(run: Row) -> Node:
    if "config_sha256" in run:
        digest = run["config_sha256"][:DIGITS]
        return Node(f"configuration sha256 {digest}, whole in {run['record_url']}")
    parameters = len(run.get("parameters", {}))
    return Node(f"configuration: {parameters} parameters in MLflow; its text {NO_RECORD}")


def _mlflow(run: Row) -> Node:
    experiment = f"experiment {run['experiment']} ({run['experiment_id']})"
    return Node(f"MLflow run {run['run_id']}, {experiment} at {run['tracking_uri']}")


def _versions(run: Row) -> list[Node]:
    told = (f"{table} {ranges(found)}" for table, found in run.get("versions", {}).items())
    text = "; ".join(told)
    return [Node(f"committed versions: {text}")] if text else []


def _at(when: object) -> str:
    """A time to the second, as ISO 8601 has it."""
    text = when if isinstance(when, str) else when.isoformat()  # type: ignore[attr-defined]
    return text[:AT].replace("T", " ") + " UTC"
