"""The rules of the house: where things live, which way imports point, how long files are."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("jobs/*.py")])
ONLY_IN = {
    "ray": ("pipeline/stages/",),
    "fsspec": ("pipeline/storage.py",),
    "mlflow": ("pipeline/tracking.py", "pipeline/registry.py"),
    "yaml": ("pipeline/config.py",),
    "soundfile": ("pipeline/audio/", "pipeline/catalog/rendered"),
    "soxr": ("pipeline/audio/", "pipeline/catalog/rendered"),
    "av": ("pipeline/audio/",),
    "librosa": ("pipeline/audio/librosa_once.py",),
    "click": ("pipeline/commandline.py", "jobs/"),
    "mutagen": ("pipeline/consumers/file_tags_formats.py",),
    "fastapi": ("pipeline/browse/",),
    "starlette": ("pipeline/browse/",),
    "uvicorn": ("pipeline/browse/",),
}
PURE = ("pipeline/audio/", "pipeline/evaluation/", "pipeline/taxonomy.py", "pipeline/schemas.py")
IMPURE = {"ray", "fsspec", "mlflow", "deltalake", "duckdb"}
LAYERS = [
    ("jobs/", set()),
    ("pipeline/browse/", {"jobs", "pipeline.doctor"}),
    ("pipeline/doctor/", {"jobs", "pipeline.browse"}),
    ("pipeline/stages/", {"jobs", "pipeline.browse", "pipeline.doctor"}),
    (
        "pipeline/",
        {
            "jobs",
            "pipeline.stages",
            "pipeline.browse",
            "pipeline.doctor",
            "pipeline.tracking",
            "pipeline.registry",
            "pipeline.references",
            "pipeline.commandline",
        },
    ),
]
DRIVERS = (
    "pipeline/tracking.py",
    "pipeline/tracked_runs.py",
    "pipeline/registry.py",
    "pipeline/references.py",
    "pipeline/commandline.py",
)
"""What runs on the driver only, beside the stages."""
ALLOWED_ROOT = {"README.md", "pyproject.toml", "pipeline", "jobs", "conf", "tests", "infra"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_there_is_code_to_check():
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_each_outside_library_has_one_home(path):
    for name in {module.split(".")[0] for module in imports(path)} & set(ONLY_IN):
        assert relative(path).startswith(ONLY_IN[name]), f"{name} has its home in {ONLY_IN[name]}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_one_way(path):
    forbidden = next(below for folder, below in LAYERS if relative(path).startswith(folder))
    if relative(path) in DRIVERS:
        forbidden = {"pipeline.stages"}
    for module in imports(path):
        assert not any(module == f or module.startswith(f + ".") for f in forbidden), module


@pytest.mark.parametrize("path", [p for p in SOURCES if relative(p).startswith(PURE)], ids=relative)
def test_pure_modules_see_no_cluster_storage_or_database(path):
    assert not {module.split(".")[0] for module in imports(path)} & IMPURE
    assert not any(module.startswith("pipeline.storage") for module in imports(path))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    limit = 80 if relative(path).startswith("jobs/") else 250
    assert text.count("\n") <= limit
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_module_gathers_everything(path):
    assert path.stem not in {"utils", "common", "helpers", "misc"}


def test_the_root_holds_what_was_agreed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    roots = {name.split("/")[0] for name in listed.stdout.split()}
    if not roots:
        pytest.skip("not a git checkout")
    assert {name for name in roots if not name.startswith(".")} <= ALLOWED_ROOT


def test_every_folder_has_its_tests():
    for folder in sorted({path.parent for path in SOURCES} - {ROOT / "jobs", ROOT / "pipeline"}):
        tests = ROOT / "tests" / folder.relative_to(ROOT / "pipeline")
        assert list(tests.glob("test_*.py")), f"{relative(folder)} has no tests"
