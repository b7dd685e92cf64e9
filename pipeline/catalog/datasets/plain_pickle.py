"""Pickles that hold nothing but plain values, read without running what they name."""

from __future__ import annotations

import pickle

from pipeline.errors import ConfigError
from pipeline.storage import Storage

_FAULTS = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What an unpickler raises on damaged files, and ours on those that name a class or function."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not run")


def read_list(url: str, *, storage: Storage) -> list[str]:
    """A list of texts, as Python 2 or 3 pickled it.

    Raises:
        ConfigError: it holds something else, or names a class or a function, which none needs.
    """
    value = _read(url, storage=storage)
    if not isinstance(value, list):
        raise ConfigError(f"{url} holds a {type(value).__name__} instead of a list")
    return [_text(one, url=url) for one in value]


def read_dict(url: str, *, storage: Storage) -> dict[str, str]:
    """A dictionary of texts or numbers, as texts.

    Raises:
        ConfigError: as for `read_list`.
    """
    value = _read(url, storage=storage)
    if not isinstance(value, dict):
        raise ConfigError(f"{url} holds a {type(value).__name__} instead of a dictionary")
    return {_text(key, url=url): _text(one, url=url) for key, one in value.items()}


def _read(url: str, *, storage: Storage) -> object:
    with storage.open(url) as file:
        try:
            value: object = _Plain(file, encoding="latin1").load()
        except _FAULTS as error:
            why = str(error) or type(error).__name__
            raise ConfigError(f"{url} is not a pickle of plain values: {why}") from None
    return value


def _text(value: object, *, url: str) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if type(value) not in (str, int):
        raise ConfigError(f"{url} holds a {type(value).__name__} where a text is expected")
    return str(value)
