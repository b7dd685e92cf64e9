"""The lines that `earmark VERB --help` ends with."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from jobs.__main__ import main
from pipeline.commandline import Verbs
from pipeline.examples import EXAMPLES

VERBS = Verbs("earmark")
NAMES = VERBS.list_commands(click.Context(VERBS))
LINES = [line for lines in EXAMPLES.values() for line in lines]


def test_every_verb_has_examples_and_no_other():
    assert sorted(EXAMPLES) == NAMES


@pytest.mark.parametrize("verb", NAMES)
def test_the_help_of_a_verb_ends_with_its_examples_as_they_are(verb):
    said = CliRunner().invoke(main, [verb, "--help"], terminal_width=100)
    assert said.exit_code == 0
    _, _, end = said.stdout.partition("Examples:\n")
    assert [line.strip() for line in end.splitlines()] == list(EXAMPLES[verb])


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_of_its_verb_and_parses(line):
    program, verb, *arguments = shlex.split(line)
    assert program == "earmark"
    assert line in EXAMPLES[verb]
    command = VERBS.get_command(click.Context(VERBS), verb)
    if isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(verb, arguments).close()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["earmark", "pla"], {"plan", "playlist"}),
        (["earmark", "tag", "--fro"], {"--from"}),
        (["earmark", "tag", "--from", "a"], {"audio"}),
        (["earmark", "models", "a"], {"add"}),
    ],
)
def test_a_shell_can_complete_what_is_typed(typed, offered):
    words = {"COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
    asked = {"_EARMARK_COMPLETE": "bash_complete", **words}
    said = CliRunner().invoke(main, [], prog_name="earmark", env=asked)
    assert {line.partition(",")[2] for line in said.stdout.splitlines()} == offered
