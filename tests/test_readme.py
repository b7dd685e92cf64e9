"""README's commands, files and tree exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from tree import tree

from pipeline.commandline import Verbs

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.strip().partition("  #")[0].strip()
    for line in README.splitlines()
    if line.startswith(("    earmark ", "    ./infra/", "    ray "))
]
VERBS = Verbs("earmark")


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    context = click.Context(VERBS)
    found = VERBS.get_command(context, words[0])
    assert found is not None, f"no verb {words[0]}"
    if isinstance(found, click.Group):
        sub = found.get_command(click.Context(found), words[1])
        assert sub is not None, f"no verb {words[0]} {words[1]}"
        return sub, words[2:]
    return found, words[1:]


def test_readme_shows_commands():
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("earmark")])
def test_every_earmark_command_of_readme_parses(line):
    found, arguments = command(shlex.split(line)[1:])
    found.make_context(found.name, arguments, resilient_parsing=False).close()


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("./infra")])
def test_every_script_of_readme_exists_and_can_run(line):
    script = ROOT / shlex.split(line)[0]
    assert script.stat().st_mode & 0o111


def test_every_link_of_readme_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 8
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_tree_of_readme_is_the_tree():
    assert tree() in README, "python tests/tree.py prints what belongs there"


@pytest.mark.parametrize("verb", VERBS.list_commands(click.Context(VERBS)))
def test_every_verb_explains_itself(verb):
    found = VERBS.get_command(click.Context(VERBS), verb)
    assert found is not None
    assert len((found.help or "").split()) > 3
