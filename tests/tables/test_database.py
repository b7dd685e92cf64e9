from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.tables.database import database


def sort_what_does_not_fit() -> None:
    with database(memory_mb=32) as connection:
        connection.execute("SET max_temp_directory_size = '1MiB'")
        connection.execute("CREATE TABLE t AS SELECT range AS i, uuid() AS u FROM range(3000000)")
        connection.execute("SELECT * FROM t ORDER BY u").fetchall()


def test_without_room_in_memory_and_on_disk_both_settings_are_named():
    with pytest.raises(UserError, match=r"no room left(.|\n)*plan_memory_mb(.|\n)*TMPDIR"):
        sort_what_does_not_fit()


def test_what_does_not_fit_memory_spills():
    with database(memory_mb=64) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS i, uuid() AS u FROM range(1000000)")
        assert connection.sql("SELECT count(DISTINCT u) FROM t").fetchall() == [(1_000_000,)]
