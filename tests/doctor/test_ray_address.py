from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import ray
from ray_head import free_port

from pipeline.doctor.finding import State
from pipeline.doctor.ray_address import Places, check_api, check_core, find_places

TOKEN = "a-token-of-tests"


@pytest.fixture
def api():
    """A Jobs API: what it wants and says may be changed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            given = self.headers.get("Authorization")
            allowed = server.token is None or given == f"Bearer {server.token}"
            body = json.dumps({"ray_version": server.ray_version}).encode()
            self.send_response(200 if allowed else 403 if given else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.token, server.ray_version = TOKEN, ray.__version__
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def look(url, tmp_path, token=""):
    environment = {"HOME": str(tmp_path), "RAY_AUTH_TOKEN": token, "RAY_AUTH_MODE": "token"}
    found = check_api(url, environment=environment, ca_file=None, timeout_s=5)
    return {finding.check: finding for finding in found}


def test_a_right_token_and_the_same_ray_are_well(api, tmp_path):
    found = look(api.url, tmp_path, TOKEN)
    assert {f.state for f in found.values()} == {State.OK}
    assert set(found) == {"Ray address", "Ray token", "Ray of the head"}


@pytest.mark.parametrize(
    ("token", "seen"), [("wrong-one", "refuses this one"), ("", "none is here")]
)
def test_a_wrong_and_a_missing_token_are_told_apart(api, tmp_path, token, seen):
    found = look(api.url, tmp_path, token)
    assert found["Ray token"].state is State.FAILED
    assert seen in found["Ray token"].seen
    assert "RAY_AUTH_TOKEN_PATH" in found["Ray token"].remedy
    assert "Ray of the head" not in found


def test_a_cluster_of_this_machine_that_wants_no_token_is_a_warning(api, tmp_path):
    api.token = None
    assert look(api.url, tmp_path)["Ray token"].state is State.WARNING


def test_a_cluster_elsewhere_that_wants_no_token_has_failed(api, tmp_path, monkeypatch):
    api.token = None
    monkeypatch.setattr("pipeline.stages.submission_address.is_loopback", lambda host: False)
    found = look(api.url, tmp_path, TOKEN)["Ray token"]
    assert found.state is State.FAILED
    assert "answers without one" in found.seen


def test_an_address_elsewhere_is_not_spoken_to_without_a_token(tmp_path):
    (found,) = look("http://10.1.2.3:8265", tmp_path).values()
    assert (found.check, found.state) == ("Ray token", State.FAILED)
    assert "there is no token for it" in found.seen


def test_another_ray_of_the_head_is_named_beside_ours(api, tmp_path):
    api.ray_version = "2.49.0"
    found = look(api.url, tmp_path, TOKEN)["Ray of the head"]
    assert (found.state, found.seen) == (State.FAILED, f"2.49.0, and {ray.__version__} here")


def test_an_address_where_nobody_listens_says_how_to_go_on(tmp_path):
    (found,) = look(f"http://127.0.0.1:{free_port()}", tmp_path).values()
    assert (found.check, found.state) == ("Ray address", State.FAILED)
    assert "ray start --head" in found.remedy
    (found,) = check_core(f"127.0.0.1:{free_port()}", timeout_s=5)
    assert (found.check, found.state) == ("Ray address", State.FAILED)
    assert "refused" in found.seen


@pytest.mark.parametrize("core", ["ray://host:10001", "host", "host:port"])
def test_what_cannot_be_joined_says_what_can(core):
    (found,) = check_core(core, timeout_s=5)
    assert found.state is State.FAILED
    assert "HOST:PORT" in found.remedy


@pytest.mark.parametrize(
    ("address", "environment", "places"),
    [
        (None, {}, Places()),
        (None, {"RAY_ADDRESS": "h:6379"}, Places(core="h:6379")),
        (None, {"RAY_ADDRESS": "http://h:8265"}, Places(api="http://h:8265")),
        (
            None,
            {"RAY_ADDRESS": "h:6379", "RAY_API_SERVER_ADDRESS": "http://h:8265"},
            Places("h:6379", "http://h:8265"),
        ),
        ("auto", {"RAY_ADDRESS": "h:6379"}, Places(core="auto")),
        ("local", {"RAY_ADDRESS": "h:6379"}, Places()),
    ],
)
def test_an_address_counts_for_more_than_the_environment(address, environment, places):
    assert find_places(address, environment=environment) == places
