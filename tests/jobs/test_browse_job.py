"""`earmark browse` as a process of its own: it says its link, answers, and ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner
from tagged import small_workspace
from workspace import CONF

from jobs.__main__ import main


@pytest.mark.long
def test_the_printed_link_opens_the_pages_and_an_interrupt_ends_them(tmp_path):
    root = small_workspace(tmp_path)
    line = [sys.executable, "-m", "jobs.browse", "--conf", str(CONF / "browse.yaml")]
    line += ["--workspace", root, "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        said = server.stdout.readline()
        address = re.match(r"(http://127\.0\.0\.1:\d+)  ", said)[1]
        with urllib.request.urlopen(f"{address}/?q=t1") as answer:
            assert "Title of t1" in answer.read().decode()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0


def test_what_is_wrong_is_said_without_a_traceback(tmp_path):
    line = ["browse", "--conf", str(CONF / "browse.yaml"), "--workspace", str(tmp_path / "none")]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1
    assert "there is no workspace" in result.output
