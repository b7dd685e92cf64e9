"""The audit fails on a known vulnerability unless an exception that has not ended is written."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("pip_audit", reason="skipped: pip-audit is not installed")
pytestmark = pytest.mark.long
AUDIT = Path(__file__).resolve().parents[2] / "infra" / "audit.py"
KNOWN = {
    "jinja2": {
        "id": "GHSA-h75v-3vvj-5mfj",
        "aliases": ["CVE-2024-34064"],
        "summary": "made up for this test",
        "affected": [
            {
                "package": {"name": "jinja2", "ecosystem": "PyPI"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.4"}]}
                ],
            }
        ],
    }
}
WAIVER = """
[[exception]]
id = "{name}"
package = "Jinja2"
reason = "{reason}"
expires = {expires}
"""


class Service(http.server.BaseHTTPRequestHandler):
    """Answers as OSV's query API does."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = KNOWN.get(asked["package"]["name"])
        answer = json.dumps({"vulns": [known]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.fixture
def audit(tmp_path, service):
    """Runs the audit of two packages, one of which has a known vulnerability."""

    def run(exceptions: str = "", *more: str, url: str = service, pins: str = "jinja2==3.1.2"):
        (tmp_path / "pins.txt").write_text(f"{pins}\nclick==8.1.7\n")
        (tmp_path / "exceptions.toml").write_text(exceptions)
        files = ["--requirements", "pins.txt", "--exceptions", "exceptions.toml"]
        return subprocess.run(
            [sys.executable, str(AUDIT), "--service", "osv", *files, *more],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PIP_AUDIT_OSV_URL": url},
        )

    return run


def waiver(name: str = "CVE-2024-34064", *, reason: str = "no user's text", expires="2999-01-01"):
    return WAIVER.format(name=name, reason=reason, expires=expires)


def test_a_known_vulnerability_without_an_exception_fails(audit):
    done = audit()
    assert done.returncode == 1, done.stderr
    assert "FAILED   jinja2 3.1.2: CVE-2024-34064, GHSA-h75v-3vvj-5mfj; fixed in 3.1.4" in (
        done.stdout
    )
    assert done.stdout.endswith("failed: 1 known by osv\n")


@pytest.mark.parametrize("name", ["CVE-2024-34064", "ghsa-h75v-3vvj-5mfj"])
def test_with_an_exception_by_any_of_its_names_it_passes_and_is_told(audit, name):
    done = audit(waiver(name))
    assert done.returncode == 0, done.stderr
    assert "until 2999-01-01: no user's text" in done.stdout


def test_an_exception_that_has_ended_fails(audit):
    done = audit(waiver(expires="2026-01-01"))
    assert done.returncode == 1
    assert "its exception ended on 2026-01-01" in done.stdout


def test_an_exception_of_another_vulnerability_covers_nothing_and_is_told(audit):
    done = audit(waiver("CVE-2020-1"))
    assert done.returncode == 1
    assert "idle     the exception of CVE-2020-1" in done.stdout


@pytest.mark.parametrize(
    "text", [waiver(reason=" "), waiver(expires="'soon'"), "[[exception]]\nid = 'x'", "[["]
)
def test_an_exception_without_a_reason_or_a_day_fails(audit, text):
    assert audit(text).returncode == 1


def test_packages_without_a_finding_pass(audit):
    done = audit(pins="packaging==24.0")
    assert (done.returncode, done.stdout) == (0, "passed: 0 known by osv\n")


def test_where_no_data_is_reached_that_is_said_and_with_required_it_fails(audit):
    nowhere = "http://127.0.0.1:9/v1/query"
    done = audit(url=nowhere)
    assert (done.returncode, done.stdout) == (
        0,
        "skipped: no vulnerability data could be reached\n",
    )
    assert audit("", "--required", url=nowhere).returncode == 2


def test_the_shipped_exceptions_are_read(audit):
    shipped = (AUDIT.parent / "audit.toml").read_text()
    assert "not TOML" not in audit(shipped, pins="packaging==24.0").stderr
