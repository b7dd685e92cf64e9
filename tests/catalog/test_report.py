from pipeline.catalog.report import ScanReport, Unreadable
from pipeline.catalog.sources import Omitted


def make_report(**facts):
    nothing = {
        "source_url": "/music",
        "seen": 4,
        "new": 0,
        "changed": 0,
        "unchanged": 4,
        "gone": 0,
        "omitted": Omitted(),
        "audio_s": 5400.0,
        "unreadable": (),
        "num_duplicates": 0,
        "duplicates": (),
        "num_shared": 0,
        "sharing": (),
    }
    return ScanReport(**nothing | facts)


def text(report):
    return "\n".join(report.lines())


def test_a_scan_without_news_takes_four_lines():
    assert make_report().lines() == [
        "catalog: /music",
        "  4 tracks, 1.50 h of audio",
        "  0 new, 0 changed, 4 unchanged, 0 gone",
        "  nothing to do: the catalog is as it was",
    ]


def test_one_track_that_is_gone_is_news():
    assert make_report(gone=1).committed
    assert "nothing to do" not in text(make_report(gone=1))


def test_each_reason_is_counted_and_shown_with_examples():
    bad = Unreadable("not_audio", 1200, (("/music/x.mp3", "starts with 3c"),))
    shown = text(make_report(unreadable=(bad,)))
    assert "headers that could not be read: 1,200" in shown
    assert "/music/x.mp3: starts with 3c" in shown


def test_more_duplicates_than_are_shown_are_hinted_at():
    first = (("id", ("/a.mp3", "/b.mp3")),)
    lines = make_report(num_duplicates=2, duplicates=first).lines()
    assert lines[-2:] == ["    id: /a.mp3, /b.mp3", "    ..."]


def test_what_was_left_out_is_said():
    omitted = Omitted(num_files=7, unnameable=["caf\udce9.mp3"], columns={"bpm"})
    shown = text(make_report(omitted=omitted))
    assert "7 files ignored" in shown
    assert "columns ignored: bpm" in shown
    assert r"caf\udce9.mp3" in shown


def test_an_overlap_names_the_other_sources():
    shown = text(make_report(num_shared=3, sharing=("/music/a", "/old")))
    assert "3 files stand in the catalog twice" in shown
    assert "/music/a, /old" in shown
