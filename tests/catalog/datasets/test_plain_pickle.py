"""Pickles of other people are read as data: whatever they would run, does not run."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog.datasets.plain_pickle import read_dict, read_list
from pipeline.errors import ConfigError
from pipeline.storage import Storage


class Command:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.fixture
def kept(tmp_path):
    """Writes bytes into a file; its path."""

    def keep(data: bytes) -> str:
        (tmp_path / "some.pkl").write_bytes(data)
        return str(tmp_path / "some.pkl")

    return keep


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_a_command_runs_nothing(tmp_path, kept, protocol):
    trap = tmp_path / "sprung"
    url = kept(pickle.dumps(["TRAADIN128F931D672", Command(f"touch {trap}")], protocol))
    for read in (read_list, read_dict):
        with pytest.raises(ConfigError, match=r"some\.pkl .* names \w+\.system, which is not run"):
            read(url, storage=Storage())
    assert not trap.exists()
    pickle.loads(Path(url).read_bytes())
    assert trap.exists(), "the trap works"


def test_texts_of_python_2_are_read(kept):
    list_url = kept(b"(lp1\nS'TRAADIN128F931D672'\np2\naS'TRAADQW128F427CE68'\np3\na.")
    assert read_list(list_url, storage=Storage()) == ["TRAADIN128F931D672", "TRAADQW128F427CE68"]
    dict_url = kept(b"(dp1\nS'8947470'\np2\nS'8/9/8947470.clip.mp3'\np3\nsI12\nS'caf\\xe9'\ns.")
    expected = {"8947470": "8/9/8947470.clip.mp3", "12": "caf\u00e9"}
    assert read_dict(dict_url, storage=Storage()) == expected


@given(st.lists(st.text()), st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_a_list_of_texts_survives(tmp_path_factory, texts, protocol):
    path = tmp_path_factory.mktemp("pickles") / "list.pkl"
    path.write_bytes(pickle.dumps(texts, protocol))
    assert read_list(str(path), storage=Storage()) == texts


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, "holds a dict instead of a list"),
        (["a", ["b"]], "holds a list where a text is expected"),
        (["a", None], "holds a NoneType where a text is expected"),
        ([True], "holds a bool where a text is expected"),
        ([np.zeros(2)], r"names numpy\.\S+, which is not run"),
    ],
)
def test_another_value_is_refused(kept, value, message):
    with pytest.raises(ConfigError, match=message):
        read_list(kept(pickle.dumps(value)), storage=Storage())


def test_a_list_is_no_dictionary(kept):
    with pytest.raises(ConfigError, match="holds a list instead of a dictionary"):
        read_dict(kept(pickle.dumps([])), storage=Storage())


@given(st.binary(max_size=60).filter(lambda data: b"r" not in data))  # r may ask for gigabytes
def test_any_bytes_are_a_list_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("pickles") / "any.pkl"
    path.write_bytes(data)
    with suppress(ConfigError):
        assert all(isinstance(one, str) for one in read_list(str(path), storage=Storage()))


@given(st.integers(0, 40))
def test_a_list_that_is_cut_off_is_refused(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("pickles") / "cut.pkl"
    path.write_bytes(pickle.dumps(["TRAADIN128F931D672", "TRAADQW128F427CE68"])[:length])
    with pytest.raises(ConfigError, match="is not a pickle of plain values"):
        read_list(str(path), storage=Storage())
