from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from jobs.__main__ import main
from pipeline.commandline import Verbs, load_job
from pipeline.config import TagJob
from pipeline.errors import ConfigError

VERBS = Verbs("earmark")


def load(**given):
    defaults = {"default": "tag.yaml", "conf": None, "overrides": (), "workspace": None}
    return load_job(TagJob, **(defaults | given))


def test_flags_are_shorthands_and_set_stands_over_them():
    config = load(workspace="/a b's", scoring__models=("m:one", "it's"), overrides=())
    assert config.workspace.root_url == "/a b's"
    assert config.scoring.models == ("m:one", "it's")
    config = load(workspace="/a", overrides=("workspace.root_url=/b",))
    assert config.workspace.root_url == "/b"


def test_flags_that_are_not_given_change_nothing():
    assert load(scoring__models=(), scoring__input=None) == load()


def test_the_configuration_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load().scoring.models == ("musicnn:MTT_musicnn",)
    with pytest.raises(ConfigError, match="--conf FILE"):
        load(default="none.yaml")


def test_help_lists_every_verb_without_importing_it():
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for verb in ("catalog", "tag", "query", "verify"):
        assert verb in result.output


def test_an_unknown_verb_is_refused():
    assert CliRunner().invoke(main, ["dance"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["catalog", "/no/such/folder"], "/no/such/folder"),
        (["verify"], "no plan"),
        (["publish"], "run `earmark tag` first"),
        (["query", "SELECT 1"], "earmark"),
        (["tag", "music"], "earmark catalog"),
        (["features", "music"], "earmark catalog"),
        (["tag", "--set", "runtime.speed=9"], "runtime.speed: unknown key"),
        (["models", "add", "musicnn:none"], "musicnn:none"),
    ],
)
def test_a_users_mistake_is_one_clear_message(tmp_path, arguments, message):
    line = [*arguments, "--workspace", str(tmp_path / "ws")]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit | click.ClickException)


@pytest.mark.parametrize("verb", VERBS.list_commands(click.Context(VERBS)))
def test_choices_are_the_values_that_configurations_take(verb):
    """click takes an enum's names (FLOAT32) where it is given its members."""
    for parameter in VERBS.get_command(click.Context(VERBS), verb).params:
        if isinstance(parameter.type, click.Choice):
            assert all(type(choice) is str for choice in parameter.type.choices), parameter.name
