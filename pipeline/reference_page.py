"""Writes infra/REFERENCE.md: `python -m pipeline.reference_page > infra/REFERENCE.md`."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pipeline.errors import Reason
from pipeline.reference_configuration import configuration_lines
from pipeline.reference_tables import table_lines
from pipeline.reference_words import table

CONF = Path(__file__).resolve().parents[1] / "conf"
HEAD = """\
# Reference

Every table with its columns, every key of every configuration, every reason for which a track
fails, and the exit codes. Generated from the schemas and models that the program itself uses, by
`python -m pipeline.reference_page > infra/REFERENCE.md`; a test compares the two, so change the
program, not this page. How to ask the tables is in [QUERYING.md](QUERYING.md), what to do when
something goes wrong in [RUNBOOK.md](RUNBOOK.md).

- [Tables](#tables)
- [Other files of a workspace](#other-files-of-a-workspace)
- [Configuration](#configuration)
- [Reasons](#reasons)
- [Exit codes](#exit-codes)
"""
EXIT_CODES = (
    ("0", "done; what was asked for is so"),
    (
        "1",
        "not done: the message says what is wrong and what to do. Also `verify` that found a "
        "fault, `promote` that kept the champion, `forget` that left a trace, and an error of the "
        "program itself, with a traceback",
    ),
    ("2", "the command line itself: an unknown verb or flag, a missing argument"),
    ("130", "stopped by Ctrl-C or SIGTERM; what was committed stands"),
)


def reference_page() -> str:
    """The whole page."""
    lines = [HEAD, "## Tables", "", *table_lines(), *configuration_lines(CONF)]
    lines += ["## Reasons", "", _reasons(), "", "## Exit codes", ""]
    lines += [table(("code", "means"), EXIT_CODES)]
    return "\n".join(lines) + "\n"


def _reasons() -> str:
    docs = member_docs(Reason)
    intro = (
        "In `reason` of the ledgers, the catalog, `rejects` and `requeued`. With status `failed` "
        "it is why a track has no result; with status `ok`, what was wrong with a file that could "
        "be used all the same. `earmark requeue --reason NAME` opens failed tracks again.\n\n"
    )
    return intro + table(
        ("reason", "means"), [(f"`{one}`", docs.get(one.name, "")) for one in Reason]
    )


def member_docs(kind: type[StrEnum]) -> dict[str, str]:
    """What the string after each member of an enumeration says, by the member's name."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    body: Sequence[ast.stmt] = tree.body if isinstance(tree, ast.ClassDef) else ()
    docs = {}
    for before, after in itertools.pairwise(body):
        if (
            isinstance(before, ast.Assign)
            and isinstance(before.targets[0], ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            docs[before.targets[0].id] = str(after.value.value)
    return docs


if __name__ == "__main__":
    sys.stdout.write(reference_page())
