"""`earmark export` by the command itself."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from searchable import shared
from workspace import CONF

from jobs.__main__ import main


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared(tmp_path_factory)


def run(root, *line: str, exit_code: int = 0):
    here = ("--conf", str(CONF / "export.yaml"), "--workspace", root)
    result = CliRunner().invoke(main, ["export", *line, *here])
    assert result.exit_code == exit_code, result.output
    return result


def test_a_folder_of_csv_of_all_current_models(root, tmp_path):
    result = run(root, "--out", str(tmp_path / "out"), "--format", "csv", "--shape", "long")
    assert len(list((tmp_path / "out").glob("*.csv"))) == 2
    assert "240 rows" not in result.stdout
    assert "net-s2@0123456789ab" in result.stdout
    assert "no longer in the catalog" in result.stderr


def test_one_model_to_one_file(root, tmp_path):
    file = tmp_path / "fine.parquet"
    assert "240 rows (216 ok, 24 not_tagged)" in run(root, "fine", "--out", str(file)).stdout
    assert "positive_sung" in pq.read_schema(file).names
    assert (tmp_path / "fine.parquet.dictionary.md").is_file()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "give --out"),
        (("--out", "x.csv"), "there are 2 models"),
        (("fine", "--out", "x", "--set", "export.shape=deep"), "export.shape"),
    ],
)
def test_what_cannot_be_exported_is_told(root, line, said):
    assert said in run(root, *line, exit_code=1).output
