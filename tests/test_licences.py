"""What a user installs may be used under Apache-2.0's terms; what is GPL is an optional extra."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def closure(name: str, *, extras: frozenset[str]) -> set[str]:
    """Every distribution that an installation brings."""
    found: set[str] = set()
    todo, seen = [(name, extras)], set()
    while todo:
        item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            here = distribution(item[0])
        except PackageNotFoundError:
            continue  # for another system
        found.add(here.metadata["Name"].lower())
        for text in here.requires or []:
            need = Requirement(text)
            chosen = [need.marker is None or need.marker.evaluate({"extra": e}) for e in item[1]]
            if any(chosen):
                todo.append((need.name, frozenset({"", *need.extras})))
    return found


def licence(name: str) -> str:
    metadata = distribution(name).metadata
    classifiers = [c for c in metadata.get_all("Classifier", []) if c.startswith("License")]
    return " ".join([metadata.get("License-Expression") or "", *classifiers]) or "unknown"


def is_gpl(text: str) -> bool:
    return bool(re.search(r"(?<!L)(?<!Lesser )(GPL|GNU General Public)", text.replace("LGPL", "")))


RUN_TIME = sorted(closure("earmark", extras=frozenset({""})))


def test_the_installation_is_seen():
    assert {"torch", "ray", "deltalake", "soxr", "soundfile"} <= set(RUN_TIME)


@pytest.mark.parametrize("name", RUN_TIME)
def test_no_run_time_dependency_is_gpl(name):
    assert not is_gpl(licence(name)), licence(name)


@pytest.mark.parametrize(
    "text", ["GPL-3.0-or-later", "License :: OSI Approved :: GNU General Public"]
)
def test_a_gpl_licence_would_be_seen(text):
    assert is_gpl(text)
    assert not is_gpl("LGPL-2.1-or-later")


def test_every_pinned_version_is_the_installed_one():
    pinned = dict(
        line.split("==")
        for line in (ROOT / "infra/constraints.txt").read_text().split()
        if "==" in line
    )
    for name in RUN_TIME:
        key = re.sub(r"[-_.]+", "-", name)
        if key in pinned and key != "setuptools":
            assert distribution(name).version == pinned[key], name


def test_the_licence_is_apache_and_named():
    assert "Apache License" in (ROOT / "infra" / "LICENSE").read_text()
    assert 'license-files = ["infra/LICENSE"]' in (ROOT / "pyproject.toml").read_text()
