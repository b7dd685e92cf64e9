"""Files that catalogs hold: each gives its right result or its right reason, in both jobs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from fakes import TONE_REFERENCE, tone_bundle
from odd_files import LARGE, ODD, write_odd
from tracking_database import give_database
from workspace import CONF

from jobs.__main__ import main

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]


def run(*line: str) -> str:
    result = CliRunner().invoke(main, list(line))
    assert result.exit_code == 0, result.output
    return result.output


def outcomes(root, table: str) -> dict[str, dict]:
    """Rows by the file's name."""
    catalog = DeltaTable(str(root / "catalog")).to_pyarrow_table().to_pylist()
    names = {row["track_id"]: row["uri"].rpartition("/")[2] for row in catalog}
    rows = DeltaTable(str(root / table)).to_pyarrow_table().to_pylist()
    assert len(rows) == len(catalog)
    return {names[row["track_id"]]: row for row in rows}


def check_all(root, *, files: dict) -> None:
    wanted = write_odd(root / "music", files=files)
    tone_bundle(str(root))
    give_database(root)
    here = ("--workspace", str(root))
    assert f"{len(wanted)} tracks" in run("catalog", str(root / "music"), *here)
    run("features", "--conf", str(CONF / "features.yaml"), "--frontend", "sota-mel96", *here)
    run("tag", "--conf", str(CONF / "tag.yaml"), "--model", TONE_REFERENCE, *here)
    assert "verified" in run("verify", *here)
    run("publish", *here)
    for table in ("feature_index", "results"):
        rows = outcomes(root, table)
        found = {name: (row["status"], row["reason"]) for name, row in rows.items()}
        assert found == wanted
    for name, row in outcomes(root, "results").items():
        if row["status"] == "ok":
            high, low = row["scores"]
            assert low > high, name
    best = run("query", "SELECT tag FROM tags WHERE rank = 1", "--format", "csv", *here)
    assert set(best.splitlines()[1:]) == {'"low"'}


def test_odd_files_and_odd_names_cost_no_more_than_their_own_rows(tmp_path):
    check_all(tmp_path, files=ODD)


@pytest.mark.slow
def test_hours_of_audio_and_a_cover_of_100_mb_are_files_like_others(tmp_path):
    check_all(tmp_path, files=LARGE)
