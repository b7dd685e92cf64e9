"""The pages in a real browser: Chromium, headless, over a workspace of tones that Ray tagged."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
import time
import zipfile
from pathlib import Path

import pytest
import uvicorn
from fakes import tone_bundle
from listens import make_listens, write_table
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tagged import track, write_tracks
from tracking_database import give_database
from workspace import CONF, tag_job, write_broken, write_tones

from pipeline import config
from pipeline.browse.app import create_app
from pipeline.config_browse import BrowseJob
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage
from pipeline.tables.tags import publish

NUM_TRACKS = 12
PATHS = (
    *("/", "/?like=high&min=0.5", "/track?id=t001", "/playlist?like=high"),
    *("/recap", "/teach", "/failures"),
)
WAIT_MS = 20_000
TEACH_MS = 90_000
pytestmark = [pytest.mark.ray, pytest.mark.long]


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
    path = find_chromium()
    if path is None:
        pytest.skip("skipped: no Chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(browser, shared_ray, tmp_path_factory):
    """The application in a thread of its own, over tones that have been tagged."""
    root = tmp_path_factory.mktemp("browser")
    write_tones(root / "music", num_tracks=NUM_TRACKS, seconds=8.0)
    write_broken(root / "music")
    rows = [
        track(path.stem, uri=str(path), title=f"Tone {path.stem}", artist=f"Artist {i % 5}")
        for i, path in enumerate(sorted((root / "music").iterdir()))
    ]
    write_tracks(root, rows)
    tone_bundle(str(root))
    give_database(root)
    tag_catalog(tag_job(root), run_id="first")
    publish(str(root), storage=Storage(), memory_mb=200)
    overrides = (
        f"workspace.root_url={root}",
        "teaching.share=0.5",
        "browse.refresh_s=1000",
        "browse.max_upload_mb=2",
    )
    settings = config.load(BrowseJob, CONF / "browse.yaml", overrides=overrides)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = create_app(settings, port=port)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def page(browser: Browser, address: str):
    with browser.new_context(base_url=address, viewport={"width": 1280, "height": 800}) as context:
        one = context.new_page()
        one.set_default_timeout(WAIT_MS)
        asked, complaints = [], []
        one.on("request", lambda request: asked.append(request.url))
        one.on("pageerror", lambda error: complaints.append(str(error)))
        one.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        yield one
        assert complaints == []
        assert [url for url in asked if not url.startswith(address)] == []


def until_time(page: Page, player: str, *, holds: str) -> None:
    """Waits for the player's time; not by wait_for_function, whose eval the pages' policy bars."""
    ends_s = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(f"document.querySelector('{player}').currentTime {holds}"):
        assert time.monotonic() < ends_s, f"{player} never got {holds}"
        page.wait_for_timeout(50)


def is_moving(page: Page, player: str) -> None:
    until_time(page, player, holds="> 0.3")


def mark(page: Page, track_id: str, answer: str) -> None:
    button = page.get_by_role("button", name=f"{answer} the tag: Tone {track_id}")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_a_search_is_asked_with_a_slider_and_played(page):
    page.goto("/")
    page.get_by_label("Tag 1", exact=True).fill("high")
    slider = page.get_by_label("Lowest score of tag 1")
    slider.fill("0.5")
    expect(page.locator("output[for=min1]")).to_have_text("0.5")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"like=high&min=0\.5"))
    rows = page.locator(".tracks > li")
    expect(rows).to_have_count(NUM_TRACKS // 2)
    for kind in range(0, NUM_TRACKS // 2, 2):  # WAV, Ogg, and what follows
        rows.nth(kind).get_by_role("button", name="Play").click()
        is_moving(page, "#bar-player")
    assert page.evaluate("document.querySelector('#bar-player').error") is None
    page.reload()
    expect(page.get_by_label("Lowest score of tag 1")).to_have_value("0.5")


def test_a_chunk_of_the_tags_over_time_moves_the_player(page):
    page.goto("/track?id=t001")
    third = page.get_by_role("button", name="Play from 0:04")
    third.focus()
    page.keyboard.press("Enter")
    until_time(page, "#player", holds="> 4.2")
    page.keyboard.press("ArrowRight")
    expect(page.locator("button[data-seek='6.0']")).to_be_focused()
    page.locator("[data-grid] td[data-seek='2.0']").first.click()
    until_time(page, "#player", holds="< 4")
    assert page.locator(".mel img").evaluate("picture => picture.naturalWidth") > 100
    page.get_by_role("link", name="Tone t003").click()
    expect(page).to_have_url(re.compile("id=t003"))


def test_a_playlist_is_built_and_taken_away(page, tmp_path):
    page.goto("/?like=low&min=0.5")
    for name in ("Tone t000", "Tone t004"):
        page.get_by_role("button", name=f"In my list: {name}").click()
    expect(page.locator("[data-count=listed]")).to_have_text("2")
    page.get_by_role("link", name="Playlist").click()
    page.get_by_role("button", name="Move down: Tone t000").click()
    with page.expect_download() as mine:
        page.locator("section", has_text="My list").get_by_role("link", name="M3U8").last.click()
    mine.value.save_as(tmp_path / "mine.m3u8")
    places = [line for line in (tmp_path / "mine.m3u8").read_text().split("\n") if "/" in line]
    assert [place.rpartition("/")[2] for place in places] == ["t004.ogg", "t000.wav"]
    page.get_by_label("With the tags").fill("high")
    page.get_by_label("Tracks", exact=True).fill("3")
    page.get_by_role("button", name="Build").click()
    built = page.locator("section[aria-labelledby=built]")
    expect(built.locator(".tracks > li")).to_have_count(3)
    expect(built.locator(".reason").first).to_contain_text("high 0.")
    for form in ("XSPF", "JSPF", "CSV"):
        with page.expect_download() as taken:
            built.get_by_role("link", name=form).click()
        taken.value.save_as(tmp_path / form)
        assert (tmp_path / form).read_text().count("/music/") == 3


def test_a_tag_is_taught_tried_and_accepted(page):
    page.goto("/teach")
    page.get_by_role("button", name="Mark examples of a tag").click()
    for track_id in ("t001", "t003", "t005", "t007"):
        mark(page, track_id, "Has")
    for track_id in ("t000", "t002"):
        mark(page, track_id, "Has not")
    page.get_by_role("link", name="Teach").click()
    page.get_by_label("Name of the tag").fill("bright one")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("expected precision")).to_be_visible(timeout=WAIT_MS)
    assert page.locator(".tracks").first.locator("li").count() > 2
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("taught:bright-one.1")).to_be_visible(timeout=TEACH_MS)
    page.get_by_role("link", name="Search for bright one").click()
    rows = page.locator(".tracks > li")
    expect(rows).to_have_count(NUM_TRACKS)
    best = rows.locator(".name a").all_inner_texts()[: NUM_TRACKS // 2]
    assert {name.removeprefix("Tone t") for name in best} == {
        f"{i:03d}" for i in range(1, NUM_TRACKS, 2)
    }


def heard(tmp_path: Path, *users: str) -> Path:
    """A history over the tones, as a zip."""
    songs = [
        {"track_id": f"t{i:03d}", "artist": f"Artist {i % 5}", "title": "x", "duration_s": 60.0}
        for i in range(NUM_TRACKS)
    ]
    listens = make_listens(songs, users=users, days=200)
    table = write_table(tmp_path / "listens.csv", listens)
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(table, "export/listens.csv")
    return tmp_path / "export.zip"


@pytest.fixture
def traveller(browser: Browser, address: str):
    """A page of a visitor in another time zone, with a phone."""
    size = {"width": 375, "height": 760}
    options = {"base_url": address, "viewport": size, "timezone_id": "Asia/Tokyo"}
    with browser.new_context(**options) as context:
        one = context.new_page()
        one.set_default_timeout(WAIT_MS)
        yield one


def test_a_history_is_sent_and_its_recap_seen_and_taken_away(traveller, tmp_path):
    page = traveller
    page.goto("/")
    page.get_by_role("link", name="Recap", exact=True).click()
    expect(page.get_by_label("Time zone of months")).to_have_value("Asia/Tokyo")
    assert page.locator("#zones option").count() > 100
    page.get_by_label("Files of the history").set_input_files(heard(tmp_path, "Ada", "Bert"))
    page.get_by_role("button", name="Make the recap").click()
    page.get_by_label("User", exact=True).select_option(value="Bert", timeout=WAIT_MS)
    page.get_by_role("button", name="Make this recap").click()
    expect(page.get_by_role("heading", name="Bert's music")).to_be_visible(timeout=WAIT_MS)
    artists = page.locator(".top-list li")
    expect(artists).to_have_count(8)  # five, and three that are not in the catalog
    best = artists.first.inner_text().rpartition(" ")[0]
    with page.expect_download() as taken:
        page.get_by_role("link", name="JSON").click()
    taken.value.save_as(tmp_path / "recap.json")
    facts = json.loads((tmp_path / "recap.json").read_text())
    assert facts["timezone"] == "Asia/Tokyo"
    assert best.startswith(facts["artists"][0]["name"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("link", name="See the whole recap").click()
    expect(page.get_by_role("heading", name="Top artists")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("link", name="Back to Earmark").click()
    page.get_by_role("button", name="Clear the recap").click()
    expect(page.get_by_text("Nothing sent yet")).to_be_visible()


def test_too_large_a_history_is_said_before_it_is_sent_and_after(traveller, tmp_path):
    page = traveller
    page.goto("/recap")
    (tmp_path / "large.csv").write_bytes(b"track,time\n" + b"x" * 3 * 2**20)
    files = page.get_by_label("Files of the history")
    files.set_input_files(tmp_path / "large.csv")
    assert "over the limit of 2" in files.evaluate("input => input.validationMessage")
    files.evaluate("input => input.setCustomValidity('')")
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.get_by_role("button", name="Make the recap").click()
    assert answered.value.status == 413
    expect(page.get_by_role("alert")).to_contain_text("over the limit of 2 MiB")


def test_the_keyboard_is_enough_to_search_and_to_play(page):
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("low")
    page.keyboard.press("Tab")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"like=low&min=0\.4"))
    first = page.locator(".tracks .play").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if first.evaluate("link => link === document.activeElement"):
            break
    outline = first.evaluate("link => getComputedStyle(link).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Space")
    is_moving(page, "#bar-player")


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_no_page_is_wider_than_the_screen(page, tmp_path_factory, width):
    shots = tmp_path_factory.mktemp("shots")
    page.set_viewport_size({"width": width, "height": 720})
    for i, path in enumerate(PATHS):
        page.goto(path)
        if "track" in path:
            page.wait_for_selector("[data-grid]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.screenshot(path=shots / f"{width}-{i}.png", full_page=True)


def test_pages_work_without_scripts(browser, address):
    with browser.new_context(base_url=address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/?like=high")
        page.get_by_role("button", name="In my list: Tone t001").click()
        expect(page.locator("[data-count=listed]")).to_have_text("1")
        expect(page).to_have_url(re.compile("like=high"))
        page.goto("/track?id=t001")
        page.get_by_role("link", name="Hear the track").click()
        expect(page.locator("[data-grid]").first).to_be_visible(timeout=WAIT_MS)
