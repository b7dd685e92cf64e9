from __future__ import annotations

import pytest
from starlette.requests import Request

from pipeline.browse.guard import Door, is_loopback

TOKEN = "a-token-that-nobody-guesses"
OPEN = Door("127.0.0.1", None, 8765)
LOCKED = Door("0.0.0.0", TOKEN, 8765)


def asked(method="GET", path="/", query="", **headers: str) -> Request:
    named = {"host": "127.0.0.1:8765"} | {key.replace("_", "-"): v for key, v in headers.items()}
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(key.encode(), value.encode()) for key, value in named.items()],
        }
    )


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765"])
def test_loopback_answers_to_its_own_names(host):
    assert OPEN.refusal(asked(host=host)) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.x:1"]
)
def test_a_name_that_was_rebound_to_loopback_is_refused(host):
    assert OPEN.refusal(asked(host=host)).status_code == 421


def test_a_token_opens_and_its_cookie_keeps_open():
    assert LOCKED.refusal(asked(host="box:8765")).status_code == 401
    assert LOCKED.refusal(asked(host="box", query="token=wrong")).status_code == 401
    welcome = LOCKED.refusal(asked(host="box", query=f"token={TOKEN}"))
    cookie = welcome.headers["set-cookie"]
    assert welcome.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    kept = cookie.partition(";")[0]
    assert LOCKED.refusal(asked(host="box", cookie=kept)) is None
    assert LOCKED.refusal(asked(host="box", cookie=kept[:-1] + "!")).status_code == 401


def test_a_cookie_of_no_token_does_not_open_a_locked_door():
    empty = Door("0.0.0.0", "", 8765)
    cookie = f"{LOCKED.token_cookie}={empty.pass_value()}"
    assert LOCKED.refusal(asked(host="box", cookie=cookie)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(headers):
    assert OPEN.refusal(asked("POST", "/desk", **headers)).status_code == 403
    assert OPEN.refusal(asked("GET", "/", **headers)) is None


def test_own_forms_are_taken():
    assert OPEN.refusal(asked("POST", sec_fetch_site="same-origin")) is None
    assert OPEN.refusal(asked("POST", origin="http://127.0.0.1:8765")) is None


def test_loopback_is_known():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.1.2", "box"]))
