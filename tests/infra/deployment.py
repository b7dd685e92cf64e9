"""What the tests of infra/ share: where files are, the pins, mutated copies, outside validators."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.split("==")
    for line in (INFRA / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
)
RAY_VERSION = PINS["ray"]
IMAGE = f"earmark:{PROJECT['version']}"
REGISTRY = "registry.example.com/"

KNOWN_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "botocore/credentials.py",
    "AWS_DEFAULT_REGION": "botocore/configprovider.py",
    "AWS_SECRET_ACCESS_KEY": "botocore/credentials.py",
    "HOME": "",  # of the system
    "MLFLOW_BACKEND_STORE_URI": "mlflow/cli/__init__.py",
    "MLFLOW_S3_ENDPOINT_URL": "mlflow/environment_variables.py",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "mlflow/environment_variables.py",
    "MLFLOW_TRACKING_PASSWORD": "mlflow/environment_variables.py",
    "MLFLOW_TRACKING_USERNAME": "mlflow/environment_variables.py",
    "RAY_AUTH_MODE": "ray/_private/authentication/authentication_token_setup.py",
    "RAY_AUTH_TOKEN_PATH": "ray/exceptions.py",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "ray/train/v2/_internal/constants.py",
    "RAY_USAGE_STATS_ENABLED": "ray/_common/usage/usage_constants.py",
}
"""Each variable that infra/ sets, and the file of an installed package that reads it."""
SUFFIXES = {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def quantity(text: str | float) -> float:
    """A quantity of Kubernetes as a number: bytes, cores."""
    found = re.fullmatch(r"([0-9.]+)(m|[KMGT]i)?", str(text))
    assert found, f"{text!r} is no quantity"
    return float(found[1]) * SUFFIXES[found[2] or ""]


def mutated(tree: Any, change: Callable[[Any], object]) -> Any:
    """A copy with a fault, in which no two places are one object as YAML's aliases are."""
    spoiled = json.loads(json.dumps(tree))
    change(spoiled)
    assert spoiled != tree, "the change changes nothing"
    return spoiled


def put(path: str, value: object) -> Callable[[Any], None]:
    """A change: `a.0.b` becomes the value; `...` takes it away."""

    def change(tree: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in way:
            tree = tree[part]
        if value is ...:
            del tree[last]
        elif isinstance(tree, list) and last == len(tree):
            tree.append(value)
        else:
            tree[last] = value

    return change


def optional_tool(module: str, *, distribution: str) -> Any:
    """A validator that brings its own schemas; its test is skipped where it is not installed."""
    found = pytest.importorskip(module, reason=f"{distribution} is not installed")
    assert version(distribution)
    return found


def is_read_by_a_package(variable: str) -> bool:
    file = KNOWN_VARIABLES[variable]
    if not file:
        return True
    package, _, rest = file.partition("/")
    found = importlib.util.find_spec(package)  # without importing it
    assert found is not None, package
    assert found.origin is not None, package
    folder = Path(found.origin).parent
    return variable in (folder / rest).read_text()
