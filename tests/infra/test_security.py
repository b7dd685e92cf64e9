"""What infra/SECURITY.md names is there: tests, files, versions; and three of its answers hold."""

from __future__ import annotations

import ast
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "infra" / "SECURITY.md").read_text()
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
LINKS = re.findall(r"\]\(([^)]+)\)", PAGE)
VERSIONS = re.findall(
    r"^\| (CVE[^|]+) \| (\w+) \| [^|]*?([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE
)
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("jobs/*.py")])
RUNS_DATA = {
    *("eval", "exec", "os.system", "os.popen", "os.execv", "subprocess.getoutput", "marshal.loads"),
    *("pickle.load", "pickle.loads", "cloudpickle.loads", "yaml.load", "yaml.unsafe_load"),
    *("subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "torch.hub.load"),
}


def test_the_page_names_tests_files_and_versions():
    assert len(TESTS) > 40
    assert len(VERSIONS) == PAGE.count("\n| CVE-")
    assert {package for _, package, _, _ in VERSIONS} == {"ray", "mlflow", "torch"}


@pytest.mark.parametrize(("path", "name"), sorted(set(TESTS)))
def test_a_named_test_exists(path, name):
    tree = ast.parse((ROOT / path).read_text())
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in found


@pytest.mark.parametrize("target", sorted({one for one in LINKS if "://" not in one}))
def test_a_named_file_exists(target):
    assert (ROOT / "infra" / target).is_file()


@pytest.mark.parametrize(("what", "package", "fixed", "pinned"), VERSIONS)
def test_a_named_vulnerability_is_mended_in_what_is_pinned(what, package, fixed, pinned):
    pins = (ROOT / "infra" / "constraints.txt").read_text()
    assert f"\n{package}=={pinned}\n" in pins, what
    assert Version(fixed) <= Version(pinned)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_starts_a_shell_or_runs_data(path):
    for call in calls(path):
        named = {word.arg: word.value for word in call.keywords}
        assert dotted(call.func) not in RUNS_DATA, ast.unparse(call)
        assert "shell" not in named, ast.unparse(call)
        if dotted(call.func) == "torch.load":
            assert ast.unparse(named["weights_only"]) == "True"
        if dotted(call.func) in ("np.load", "npy.read_array"):
            assert ast.unparse(named["allow_pickle"]) == "False"


def test_a_shell_would_be_seen():
    (call,) = [node for node in ast.walk(ast.parse("os.system('x')")) if isinstance(node, ast.Call)]
    assert dotted(call.func) in RUNS_DATA


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


WRITE = """
import sys, pyarrow as pa, pyarrow.parquet as pq
folder, data = sys.argv[1], bytes.fromhex(sys.argv[2])
for name in sys.argv[3:]:
    kind = pa.list_(pa.float32())
    if "variable" in name:
        kind = pa.struct([("data", kind), ("shape", pa.list_(pa.int64()))])
    if "object" in name:
        kind = pa.large_binary()
    metadata = {b"ARROW:extension:name": name.encode(), b"ARROW:extension:metadata": data}
    schema = pa.schema([pa.field("uri", kind, metadata=metadata)])
    path = f"{folder}/{name}.parquet"
    pq.write_table(pa.Table.from_batches([], schema=schema), path)
    assert pq.read_schema(path).field("uri").metadata == metadata
    print(path)
"""
READ = """
import sys, ray.data, pyarrow.parquet as pq
from ray.data.extensions import ArrowTensorType
for path in sys.argv[1:]:
    try:
        pq.read_table(path)
    except Exception as error:
        print(type(error).__name__)
"""


@pytest.mark.long
def test_a_parquet_file_that_holds_a_pickle_for_ray_runs_nothing(tmp_path):
    """CVE-2026-41486: Ray Data's types of Arrow were unpickled from a file's schema."""
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung))
    kinds = ("tensor", "tensor_v2", "variable_shaped_tensor", "pickled_object")
    names = [f"ray.data.arrow_{kind}" for kind in kinds] + ["arrow.py_extension_type"]
    # Not in this process: where another test has loaded Ray, its types refuse to be written.
    write = [sys.executable, "-c", WRITE, str(tmp_path), trap.hex(), *names]
    paths = subprocess.run(write, capture_output=True, text=True, check=True).stdout.split()
    assert len(paths) == len(names)
    done = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists(), "the trap works"


def test_the_shipped_mlflow_runs_no_jobs_and_answers_to_named_hosts():
    """Job execution is on by default (3.17.2); CVE-2026-0545 reached it without a login."""
    service = (ROOT / "infra" / "compose.yaml").read_text().partition("\n  mlflow:")[2]
    service = service.partition("\n  database:")[0]
    assert 'MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false"' in service
    assert "--allowed-hosts mlflow:5000,localhost:5000" in service
    assert 'ports: ["127.0.0.1:5000:5000"]' in service
