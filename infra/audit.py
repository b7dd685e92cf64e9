"""Known vulnerabilities of the pinned packages, by pip-audit, less the exceptions of audit.toml.

Started by infra/audit. pip-audit counts a package that its service does not know as no finding, and
an index that stands in for PyPI knows none: a service that has answered for no package is therefore
told apart from one that has found nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICES = ("pypi", "osv")
TIMEOUT_S = 900
LEAST_ANSWERED = 0.9
"""Of the packages: a service that knows fewer is none to rely on."""
PASSED, FAILED, NO_DATA = 0, 1, 2


@dataclass(frozen=True)
class Finding:
    """A vulnerability of a package that is pinned."""

    package: str
    version: str
    names: tuple[str, ...]
    fixed_in: tuple[str, ...]

    @property
    def line(self) -> str:
        """For people."""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix is known"
        return f"{self.package} {self.version}: {', '.join(self.names)}; {fixed}"


@dataclass(frozen=True)
class Waiver:
    """A written exception."""

    name: str
    package: str
    reason: str
    expires: datetime.date

    def covers(self, finding: Finding) -> bool:
        """Whether it names the finding."""
        same = _plain(self.package) == _plain(finding.package)
        return same and self.name.upper() in {name.upper() for name in finding.names}


def read_waivers(path: Path) -> list[Waiver]:
    """The exceptions of a file.

    Raises:
        SystemExit: one lacks a name, package, reason or last day.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        sys.exit(f"{path} is not TOML: {error}")
    return [_waiver(entry, path=path) for entry in tree.get("exception", [])]


def _waiver(entry: Mapping[str, object], *, path: Path) -> Waiver:
    expires = entry.get("expires")
    texts = [str(entry.get(key) or "").strip() for key in ("id", "package", "reason")]
    if not all(texts) or type(expires) is not datetime.date:
        sys.exit(f"{path}: an exception needs id, package, reason and expires (a day): {entry}")
    return Waiver(*texts, expires=expires)


def ask(service: str, *, requirements: Path) -> list[Finding] | None:
    """What a service knows; None: it was not reached, or does not know the packages."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements)]
    command += ["--no-deps", "--disable-pip", "--format", "json", "--desc", "off"]
    command += ["--progress-spinner", "off", "--vulnerability-service", service]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        dependencies = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        return None
    known = [one for one in dependencies if "vulns" in one]
    if not known or len(known) < LEAST_ANSWERED * len(dependencies):
        return None
    return [_finding(one, vuln) for one in known for vuln in one["vulns"]]


def _finding(package: Mapping[str, str], found: Mapping[str, Sequence[str]]) -> Finding:
    names = (str(found["id"]), *found.get("aliases", ()))
    fixed = tuple(found.get("fix_versions", ()))
    return Finding(package["name"], package["version"], tuple(dict.fromkeys(names)), fixed)


def judge(
    findings: Sequence[Finding], *, waivers: Sequence[Waiver], today: datetime.date
) -> tuple[int, list[str]]:
    """The exit code, and lines for people."""
    lines, code = [], PASSED
    for finding in findings:
        waiver = next((one for one in waivers if one.covers(finding)), None)
        if waiver is None:
            lines.append(f"FAILED   {finding.line}; no exception is written in infra/audit.toml")
        elif waiver.expires < today:
            lines.append(f"FAILED   {finding.line}; its exception ended on {waiver.expires}")
        else:
            lines.append(f"excepted {finding.line}; until {waiver.expires}: {waiver.reason}")
    if any(line.startswith("FAILED") for line in lines):
        code = FAILED
    idle = [one for one in waivers if not any(one.covers(finding) for finding in findings)]
    lines += [f"idle     the exception of {one.name} for {one.package}: remove it" for one in idle]
    return code, lines


def _plain(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks the services in turn until one answers."""
    parser = argparse.ArgumentParser(description="Known vulnerabilities of the pinned packages.")
    parser.add_argument("--service", choices=SERVICES, help="this one alone")
    parser.add_argument("--required", action="store_true", help="fail where no data is reached")
    parser.add_argument("--requirements", type=Path, default=HERE / "constraints.txt")
    parser.add_argument("--exceptions", type=Path, default=HERE / "audit.toml")
    asked = parser.parse_args(arguments)
    waivers = read_waivers(asked.exceptions)
    for service in (asked.service,) if asked.service else SERVICES:
        findings = ask(service, requirements=asked.requirements)
        if findings is not None:
            today = datetime.datetime.now(tz=datetime.UTC).date()
            code, lines = judge(findings, waivers=waivers, today=today)
            word = "failed" if code else "passed"
            print(*lines, f"{word}: {len(findings)} known by {service}", sep="\n")
            return code
    print("skipped: no vulnerability data could be reached")
    return NO_DATA if asked.required else PASSED


if __name__ == "__main__":
    sys.exit(main())
