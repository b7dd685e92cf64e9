from __future__ import annotations

import pytest
from browsing import SCRIPT, press, settings
from starlette.testclient import TestClient

from pipeline.browse.app import create_app

PAGES = (
    "/",
    "/?q=t003",
    "/track?id=t003",
    "/playlist?like=wild",
    "/recap",
    "/teach",
    "/failures?reason=empty",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers_and_nothing_from_elsewhere(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text[-500:]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in answer.text.replace("http://www.w3.org", "")
    assert "https://" not in answer.text
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_scripts_in_titles_stay_text(client, path):
    press(client, "/desk", do="list", track="t003")
    press(client, "/desk", do="has", track="t003")
    text = client.get(path).text
    assert SCRIPT not in text
    if path not in ("/failures?reason=empty", "/recap"):
        assert "&lt;script&gt;alert(&#39;title&#39;)" in text


@pytest.mark.parametrize("path", PAGES)
def test_every_input_has_a_label(client, path):
    import re

    text = client.get(path).text
    labelled = set(re.findall(r'<label[^>]* for="([\w-]+)"', text))
    inputs = re.findall(r"<(?:input|select)\b[^>]*>", text)
    shown = [one for one in inputs if 'type="hidden"' not in one]
    assert {re.search(r' id="([\w-]+)"', one)[1] for one in shown} <= labelled
    assert text.count("<h1>") == 1
    assert '<html lang="en">' in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/nowhere", 404), ("/track?id=nobody", 404), ("/track", 400), ("/docs", 404)),
        *(("/openapi.json", 404), ("/static/../app.py", 404)),
        ("/playlist/file?like=wild&form=exe", 404),
    ],
)
def test_what_is_not_there_is_said_on_a_page(client, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert "<title>" in answer.text


def test_a_workspace_that_is_not_there_is_said(tmp_path):
    with TestClient(
        create_app(settings(tmp_path / "none")), base_url="http://127.0.0.1:8765"
    ) as one:
        answer = one.get("/")
    assert answer.status_code == 400
    assert "there is no workspace" in answer.text


def test_a_form_without_its_key_or_of_another_site_changes_nothing(client):
    client.get("/")
    data = {"do": "list", "track": "t000"}
    assert client.post("/desk", data=data).status_code == 403
    assert client.post("/desk", data=data | {"key": "0" * 64}).status_code == 403
    assert client.post("/desk", json=data).status_code == 415
    own = press(client, "/desk", do="list", track="t000")
    assert own.status_code == 303
    stranger = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/desk", data=data, headers=stranger).status_code == 403
    large = {"key": "x", "track": "t" * 100_000}
    assert client.post("/desk", data=large).status_code == 413


def test_the_way_back_stays_on_this_server(client):
    for back in ("https://evil.example", "//evil.example", "/\\evil.example", "evil"):
        answer = press(client, "/desk", do="list", track="t000", back=back)
        assert answer.headers["location"] == "/"
    answer = press(client, "/desk", do="list", track="t000", back="/?like=wild")
    assert answer.headers["location"] == "/?like=wild"


def test_visitors_have_lists_of_their_own(client):
    press(client, "/desk", do="list", track="t000")
    assert "Tone t000" in client.get("/playlist").text
    client.cookies.clear()
    assert "Tone t000" not in client.get("/playlist").text


def test_elsewhere_than_on_loopback_a_token_is_wanted(tones):
    app = create_app(settings(tones, "browse.host=0.0.0.0"), token="a-long-enough-token")
    with TestClient(app, base_url="http://box:8765") as one:
        assert one.get("/").status_code == 401
        assert one.get("/audio?id=t000").status_code == 401
        assert one.get("/static/style.css").status_code == 401
        assert one.get("/?token=a-long-enough-token").status_code == 200
        assert "Tone t000" in one.get("/").text
