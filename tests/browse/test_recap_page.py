from __future__ import annotations

import json
import re
import tempfile
import threading
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browsing import BASE, SCRIPT, form_key, press, settings, settled
from listens import Listen, write_lastfm, write_spotify, write_table
from starlette.testclient import TestClient

from pipeline.browse import recapping
from pipeline.browse.app import create_app
from pipeline.errors import UserError

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def listens(*users: str) -> list[Listen]:
    """Of each user one track less than of the one before."""
    return [
        Listen(
            user, f"t00{i}", ("Ann", "Bob")[i % 4 // 2], f"Tone t00{i}", NOON + _hours(i), 90_000
        )
        for u, user in enumerate(users)
        for i in range(6 - u)
    ]


def _hours(number: int) -> timedelta:
    return timedelta(hours=number)


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files, in which nothing may stay."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def kept(scratch: Path) -> list[Path]:
    return [one for one in scratch.glob("earmark-recap-*/**/*") if one.is_file()]


def send(client, *paths: Path, **values):
    data = {"key": form_key(client), "timezone": "Europe/Berlin", **values}
    files = [("history", (path.name, path.read_bytes())) for path in paths]
    files = files or [("history", ("", b""))]
    return client.post("/recap", data=data, files=files, follow_redirects=False)


def alert(text: str) -> str:
    return re.search(r'role="alert">(.*?)</p>', text, re.DOTALL)[1]


def test_a_history_becomes_a_recap_and_is_deleted(client, tmp_path, scratch):
    assert "Nothing sent yet" in client.get("/recap").text
    assert send(client, write_table(tmp_path / "h.csv", listens("ada"))).status_code == 303
    text = settled(client, "/recap")
    assert "ada&#39;s music" in text
    assert text.index(">Ann <") < text.index(">Bob <")
    assert "Europe/Berlin" in text
    assert kept(scratch) == []
    facts = json.loads(client.get("/recap/file?form=json").text)
    assert (facts["plays"], facts["timezone"], facts["match"]["share"]) == (6, "Europe/Berlin", 1.0)
    assert facts["hours"][0]["label"] == "13"


def test_the_recap_is_a_page_with_a_way_back_and_a_file_without(client, tmp_path):
    send(client, write_table(tmp_path / "h.jsonl", listens(SCRIPT)))
    settled(client, "/recap")
    page, file = client.get("/recap/page"), client.get("/recap/file?form=html")
    assert '<a href="/recap"' in page.text
    assert "/recap" not in file.text
    for answer in (page, file):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert SCRIPT not in answer.text
        assert "&lt;script&gt;" in answer.text
    assert SCRIPT not in client.get("/recap").text
    assert file.headers["content-disposition"] == 'attachment; filename="recap.html"'
    assert client.get("/recap/file?form=exe").status_code == 404


def test_zips_and_several_files_are_one_history(client, tmp_path):
    folder = write_spotify(tmp_path / "Spotify", listens("ada")[:3])
    with zipfile.ZipFile(tmp_path / "my.zip", "w") as archive:
        for one in folder.iterdir():
            archive.write(one, f"../../{folder.name}/{one.name}")
    other = tmp_path / "other"
    other.mkdir()
    last = write_lastfm(other / "my.zip", listens("ada")[3:])  # the same name, and a wrong ending
    send(client, tmp_path / "my.zip", last)
    text = settled(client, "/recap")
    assert "7 rows in 2 files" in text
    assert json.loads(client.get("/recap/file?form=json").text)["plays"] == 6


def test_a_history_of_several_asks_whose_and_goes_on_with_the_answer(client, tmp_path, scratch):
    send(client, write_table(tmp_path / "h.parquet", listens("ada", "<b>", "cem")))
    text = settled(client, "/recap")
    assert "3 users: whose recap shall it be?" in text
    options = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*listens\))', text)
    others = [("&lt;b&gt;", "&lt;b&gt; (5 listens)"), ("cem", "cem (4 listens)")]
    assert options == [("ada", "ada (6 listens)"), *others]
    assert len(kept(scratch)) == 1
    assert press(client, "/recap/user", user="cem").status_code == 303
    assert "cem&#39;s music" in settled(client, "/recap")
    assert kept(scratch) == []
    late = press(client, "/recap/user", user="ada")
    assert late.status_code == 400
    assert "no history waits any more" in late.text


def test_a_history_that_waits_too_long_or_is_not_wanted_is_deleted(
    client, tmp_path, scratch, monkeypatch
):
    source = write_table(tmp_path / "h.csv", listens("ada", "bob"))
    send(client, source)
    assert "whose recap" in settled(client, "/recap")
    press(client, "/recap/forget")
    assert kept(scratch) == []
    assert "Nothing sent yet" in client.get("/recap").text
    monkeypatch.setattr(recapping, "KEPT_S", 0.01)
    send(client, source)
    settled(client, "/recap")
    time.sleep(0.3)
    assert kept(scratch) == []
    assert "deleted after" in alert(client.get("/recap").text)


def test_a_user_can_be_named_at_once_and_all_users_be_taken_together(tones, tmp_path):
    source = write_table(tmp_path / "h.csv", listens("ada", "bob", "cem"))
    with TestClient(create_app(settings(tones, "recap.min_users=3")), base_url=BASE) as client:
        send(client, source, user="bob")
        assert "bob&#39;s music" in settled(client, "/recap")
        send(client, source, scope="population")
        text = settled(client, "/recap")
    assert "3 people" in text
    assert "bob" not in text[text.index('id="result"') :]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", b'[{"endTime": "x", "msPlayed": 1}]', "json array with the keys endTime"),
        ("empty.csv", b"", "is empty: no row"),
        ("a.txt", b"words", "text that begins with &#39;words&#39;"),
        ("a.zip", b"PK\x03\x04 and no more", "a.zip is damaged or breaks off"),
        ("a.csv", b"A,B,T,01 Jan 2020 12:34\n", "have no time zone"),
        ("a.parquet", b"PAR1PAR0", "a Parquet file that breaks off"),
    ],
)
def test_what_is_no_history_is_said_in_the_form_without_our_folders(
    client, tmp_path, scratch, name, data, said
):
    (tmp_path / name).write_bytes(data)
    send(client, tmp_path / name)
    text = settled(client, "/recap")
    assert said in alert(text)
    assert "earmark-recap" not in text
    assert 'value="Europe/Berlin"' in text
    assert ("Times in the files without a zone</em>" in text) is (name == "a.csv")
    assert kept(scratch) == []


def test_times_without_a_zone_are_taken_as_the_form_says(client, tmp_path):
    bare = write_lastfm(tmp_path / "bare.csv", listens("ada"), header=False)
    for zoneless, hour in (("utc", "13"), ("zone", "12")):
        send(client, bare, zoneless=zoneless)
        settled(client, "/recap")
        facts = json.loads(client.get("/recap/file?form=json").text)
        assert facts["hours"][0]["label"] == hour


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"zoneless": "x"}, "is none of refused, utc, zone"),
        ({"scope": "x"}, "person"),
        ({"scope": "population", "user": "ada"}, "contradict"),
        ({"timezone": "Europe/Berlim"}, "near it are Europe/Berlin"),
    ],
)
def test_a_value_that_cannot_be_is_said(client, tmp_path, scratch, values, said):
    answer = send(client, write_table(tmp_path / "h.csv", listens("ada", "bob")), **values)
    text = settled(client, "/recap") if answer.status_code == 303 else answer.text
    assert said in alert(text)
    assert kept(scratch) == []


def test_a_form_without_files_or_its_key_begins_nothing(client, tmp_path, scratch):
    assert "choose the files" in send(client).text
    source = write_table(tmp_path / "h.csv", listens("ada"))
    assert send(client, source, key="0" * 64).status_code == 403
    assert press(client, "/recap").status_code == 415
    files = {"history": ("h.csv", source.read_bytes())}
    data = {"key": form_key(client)}
    stranger = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/recap", data=data, files=files, headers=stranger).status_code == 403
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/recap", content=b"no parts", headers=broken).status_code == 400
    assert client.app.state.site.recapping.place() is not None  # none of them holds its place
    assert kept(scratch) == []
    for path in ("/recap/page", "/recap/file?form=json"):
        assert client.get(path).status_code == 404


def test_too_much_is_refused_with_the_limit(tones, tmp_path, scratch):
    (tmp_path / "h.csv").write_bytes(b"track,time\n" + b"x" * 2**21)
    app = create_app(settings(tones, "browse.max_upload_mb=1"))
    with TestClient(app, base_url=BASE) as client:
        answer = send(client, tmp_path / "h.csv")
    assert answer.status_code == 413
    assert "over the limit of 1 MiB (browse.max_upload_mb)" in alert(answer.text)
    assert kept(scratch) == []


def test_visitors_have_recaps_of_their_own_and_can_clear_them(client, tmp_path):
    send(client, write_table(tmp_path / "h.csv", listens("ada")))
    settled(client, "/recap")
    mine = dict(client.cookies)
    client.cookies.clear()
    assert client.get("/recap/page").status_code == 404
    client.cookies.clear()
    client.cookies.update(mine)
    assert client.get("/recap/page").status_code == 200
    press(client, "/recap/forget")
    assert client.get("/recap/page").status_code == 404


def test_few_histories_are_open_at_once_and_the_server_goes_on(client, tmp_path, monkeypatch):
    go_on = threading.Event()

    def slow(_):
        go_on.wait(10)
        raise UserError("it was only a test")

    monkeypatch.setattr(recapping, "make_recap", slow)
    source = write_table(tmp_path / "h.csv", listens("ada"))
    assert send(client, source).status_code == 303
    assert "looks again every 2 seconds" in client.get("/recap").text
    assert "still being read" in send(client, source).text
    for _ in range(recapping.MOST_OPEN - 1):
        client.cookies.clear()
        assert send(client, source).status_code == 303
    client.cookies.clear()
    full = send(client, source)
    assert full.status_code == 409
    assert "too many histories" in full.text
    assert client.get("/").status_code == 200
    go_on.set()
    for _ in range(200):
        if (answer := send(client, source)).status_code == 303:
            break
        time.sleep(0.05)
    assert answer.status_code == 303
    assert "it was only a test" in alert(settled(client, "/recap"))


def test_a_bug_is_told_without_its_details_and_the_history_is_deleted(
    client, tmp_path, scratch, monkeypatch, caplog
):
    def broken(_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(recapping, "make_recap", broken)
    send(client, write_table(tmp_path / "h.csv", listens("ada")))
    text = settled(client, "/recap")
    assert "ZeroDivisionError" in text
    assert "secret" not in text
    assert "secret" in caplog.text
    assert kept(scratch) == []
