"""`earmark study` by the command itself."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import searchable
from click.testing import CliRunner
from workspace import CONF

from jobs.__main__ import main


def run(*line: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, ["study", *line, "--conf", str(CONF / "study.yaml")])
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.output


def test_a_study_is_a_table_json_and_a_folder_with_pictures_and_a_page(tmp_path, tmp_path_factory):
    place = ("--workspace", searchable.shared(tmp_path_factory))
    folder = tmp_path / "out"
    subjects = ("m0", "voice---*", "tempo_bpm", "key")
    text = run(*subjects, "--by", "decade", "--output", str(folder), *place)
    assert "1980s" in text
    assert "change a decade" in text
    names = {path.name for path in folder.iterdir()}
    assert {"study.html", "study.json", "study.csv", "study.parquet", "heat.png"} <= names
    assert any(name.startswith("trend-") and name.endswith(".svg") for name in names)
    table = pq.read_table(folder / "study.parquet")
    assert table.schema.field("q").metadata[b"comment"]
    lines = run("m0", "--by", "dataset", "--seed", "4", "--format", "json", *place).splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["group"] for row in rows} == {"all tracks", "set0", "set1", "set2"}
    assert "m0" in run("mm0", "--by", "dataset", *place, exit_code=1)
    assert "holds files" in run("m0", "--output", str(folder), *place, exit_code=1)
    assert "is a file" in run("m0", "--output", str(folder / "study.csv"), *place, exit_code=1)
