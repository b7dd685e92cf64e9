from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest

from pipeline.doctor.finding import State
from pipeline.doctor.node_trial import try_store
from pipeline.doctor.store import Trial, create_once
from pipeline.errors import ConfigError
from pipeline.storage import Storage


class Forgetful(fsspec.AbstractFileSystem):
    """A store that takes `only if it is not there` for plain writing."""

    protocol = "forgetful"

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        pass


@dataclass(frozen=True)
class ForgetfulStorage(Storage):
    def filesystem(self, url):
        return Forgetful(), url


@dataclass(frozen=True)
class ReadOnly(Storage):
    """Refuses to write, as a store of which one may only read."""

    def write(self, url, data):
        raise ConfigError(f"{url} cannot be used: the store refuses access (AccessDenied)")


@dataclass(frozen=True)
class Undeletable(Storage):
    def delete(self, url):
        raise ConfigError("the store refuses access (AccessDenied)")


def all_of(trial):
    return [*trial.check_files(), *trial.check_creation(), *trial.check_commit(), *trial.remove()]


def test_a_workspace_that_is_there_is_well_and_left_as_it_was(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    found = all_of(Trial(str(tmp_path), storage=Storage()))
    assert [(f.check, f.state) for f in found] == [
        ("workspace", State.OK),
        ("conditional put", State.OK),
        ("table commit", State.OK),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_workspace_that_is_not_there_is_said_and_not_left_behind(tmp_path):
    found = all_of(Trial(str(tmp_path / "a" / "b"), storage=Storage()))
    assert found[0].state is State.WARNING
    assert "it was not there yet" in found[0].seen
    assert "mount the folder" in found[0].remedy
    assert not list(tmp_path.iterdir())


def test_what_others_put_into_a_new_workspace_meanwhile_stays(tmp_path):
    trial = Trial(str(tmp_path / "ws"), storage=Storage())
    trial.check_files()
    (tmp_path / "ws" / "theirs.txt").write_text("x")
    assert trial.remove() == []
    assert [path.name for path in (tmp_path / "ws").iterdir()] == ["theirs.txt"]


def test_a_workspace_that_may_only_be_read_has_failed_with_its_remedy(tmp_path):
    (found,) = Trial(str(tmp_path), storage=ReadOnly()).check_files()
    assert found.state is State.FAILED
    assert "writing: " in found.seen
    assert "the right to list, read, write and delete" in found.remedy


def test_a_workspace_that_is_a_file_has_failed(tmp_path):
    (tmp_path / "ws").write_text("x")
    trial = Trial(str(tmp_path / "ws"), storage=Storage())
    (found,) = trial.check_files()
    assert (found.state, "NotADirectoryError" in found.seen) == (State.FAILED, True)
    assert trial.remove() == []
    assert (tmp_path / "ws").read_text() == "x"


def test_a_store_from_which_nothing_can_be_deleted_has_failed(tmp_path):
    (found,) = Trial(str(tmp_path), storage=Undeletable()).check_files()
    assert found.state is State.FAILED
    assert "deleting: " in found.seen


def test_what_cannot_be_deleted_is_named(tmp_path):
    trial = Trial(f"memory://{tmp_path.name}", storage=Undeletable())
    trial.storage.write(f"{trial.folder_url}/try.txt", b"x")
    (found,) = trial.remove()
    assert found.state is State.WARNING
    assert trial.folder_url in found.remedy


def test_a_store_without_conditional_put_is_found(tmp_path):
    trial = Trial("forgetful://bucket/ws", storage=ForgetfulStorage())
    (found,) = trial.check_creation()
    assert (found.check, found.state) == ("conditional put", State.FAILED)
    assert "7 of 7 creators of one key won" in found.seen
    assert "overwrite each other's commits" in found.remedy


def test_a_store_that_looks_and_then_writes_is_found():
    """Two of them may look before either has written."""
    there: list[str] = []

    def create(url, data):
        first = there.count(url) < 2
        there.append(url)
        return first

    (found,) = Trial("memory://x", storage=Storage()).check_creation(create)
    assert "2 of 7 creators" in found.seen


def test_a_store_that_lets_nobody_win_is_found():
    (found,) = Trial("memory://x", storage=Storage()).check_creation(lambda url, data: False)
    assert (found.state, "no creator of a key won" in found.seen) == (State.FAILED, True)


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_a_key_is_created_once(kind, tmp_path):
    url = str(tmp_path / "key") if kind == "local" else f"memory://{tmp_path.name}/key"
    assert create_once(url, b"first", storage=Storage())
    assert not create_once(url, b"second", storage=Storage())
    assert Storage().read(url) == b"first"


def test_a_node_reads_the_drivers_file_and_leaves_nothing(tmp_path):
    trial = Trial(str(tmp_path), storage=Storage())
    trial.check_files()
    places = {"folder_url": trial.folder_url, "endpoint_url": None, "region": None}
    assert try_store(**places, expected=trial.content) == ""
    assert [path.name for path in Path(trial.folder_url).iterdir()] == ["driver.txt"]
    assert "something else" in try_store(**places, expected="other")
    trial.remove()
    assert "another folder" in try_store(**places, expected=trial.content)
