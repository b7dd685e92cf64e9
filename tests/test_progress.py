from __future__ import annotations

from pipeline.progress import Counter, Progress, Summary, duration
from pipeline.tables.receipt import Tally


def test_durations_read_as_people_say_them():
    assert [duration(s) for s in (41.6, 200, 18720)] == ["42 s", "3 min 20 s", "5 h 12 min"]


def test_a_line_says_done_failed_rates_and_time_left():
    tally = Tally(ok=45, failed=5, reasons={"empty": 5}, audio_s=1500.0)
    line = Progress(200, "tag").line(tally, seconds=10.0)
    assert line == ("tag: 50 of 200 tracks, 5 failed, 5.0 tracks/s, 150x real time, 30 s left")


def test_time_left_is_reckoned_by_audio_where_its_length_is_known():
    tally = Tally(ok=1, audio_s=3600.0)
    line = Progress(1_000, "tag", audio_s=7200.0).line(tally, seconds=10.0)
    assert line.endswith("10 s left")
    lied = Progress(4, "tag", audio_s=1e9).line(tally, seconds=10.0)
    assert lied.endswith("30 s left")


def test_the_last_line_is_always_printed(capsys):
    progress = Progress(2, "tag")
    progress(Tally(ok=1))
    progress(Tally(ok=2))
    assert "2 of 2 tracks" in capsys.readouterr().err


def test_a_summary_gives_reasons_and_speed():
    tally = Tally(ok=9, flagged=1, failed=1, reasons={"empty": 1}, audio_s=300.0)
    summary = Summary("tag", 20, 20, 10, tally, 10, 5.0, {"s": "p"})
    text = "\n".join(summary.lines())
    assert "20 tracks, 20 rows planned" in text
    assert "60x real time" in text
    assert "empty: 1" in text
    assert summary.metrics()["failed_empty"] == 1


def test_tallies_add_up():
    one = Tally(ok=1, failed=1, reasons={"empty": 1}, audio_s=1.0)
    two = Tally(ok=1, failed=2, reasons={"empty": 1, "missing": 1}, audio_s=2.0)
    assert one.plus(two) == Tally(ok=2, failed=3, reasons={"empty": 2, "missing": 1}, audio_s=3.0)


def test_a_counter_says_nothing_of_nothing_and_always_its_end(capsys):
    counter = Counter("catalog", "headers")
    counter(0, 0)
    assert capsys.readouterr().err == ""
    counter(1_000, 2_000)
    counter(1_001, 2_000)
    counter(2_000, 2_000)
    assert capsys.readouterr().err.splitlines() == [
        "catalog: 1,000 of 2,000 headers",
        "catalog: 2,000 of 2,000 headers",
    ]
