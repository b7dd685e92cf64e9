from __future__ import annotations

import socket

import pytest
from browsing import settings

from pipeline.browse.server import serve, token_of
from pipeline.errors import ConfigError, TableError


def test_loopback_needs_no_token_and_others_get_a_new_one(tmp_path):
    assert token_of(settings(tmp_path)) is None
    others = settings(tmp_path, "browse.host=0.0.0.0")
    assert len(token_of(others)) >= 32
    assert token_of(others) != token_of(others)


def test_a_token_comes_from_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("sixteen-or-more-signs\n")
    assert token_of(settings(tmp_path, f"browse.token_file={file}")) == "sixteen-or-more-signs"
    file.write_text("short")
    with pytest.raises(ConfigError, match="at least 16"):
        token_of(settings(tmp_path, f"browse.token_file={file}"))
    with pytest.raises(ConfigError, match="token_file"):
        token_of(settings(tmp_path, f"browse.token_file={tmp_path}/none"))


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(settings(tmp_path, f"browse.port={port}"), say=print)
    with pytest.raises(ConfigError, match=r"cannot listen on nowhere\.invalid"):
        serve(settings(tmp_path, "browse.host=nowhere.invalid"), say=print)


def test_a_workspace_that_is_not_there_is_said_before_anybody_looks(tmp_path):
    with pytest.raises(TableError, match="no workspace"):
        serve(settings(tmp_path / "none", "browse.port=0"), say=print)
