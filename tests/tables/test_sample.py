from __future__ import annotations

from collections import Counter

import duckdb
import pytest

from pipeline.errors import ConfigError
from pipeline.tables.sample import draw_sample


@pytest.fixture
def connection():
    """900 MP3s of 30 s and 100 FLACs of 300 s; ten headers of each say no length."""
    made = duckdb.connect()
    made.execute(
        "CREATE TABLE catalog AS SELECT 't' || i AS track_id, 'v' AS audio_version, 'u' AS uri, "
        "CASE WHEN i % 10 = 0 THEN 'flac' ELSE 'mp3' END AS codec, "
        "CASE WHEN i % 10 = 0 THEN 4800000 ELSE 480000 + i END::BIGINT AS size_bytes, "
        "CASE WHEN i % 1000 < 20 THEN NULL WHEN i % 10 = 0 THEN 300.0 ELSE 30.0 END AS duration_s "
        "FROM range(1000) r(i)"
    )
    return made


def draw(connection, *, num_tracks=100, seed=3, where="true"):
    return draw_sample(connection, where=where, num_tracks=num_tracks, seed=seed)


def test_each_codec_has_its_share(connection):
    sample = draw(connection)
    ids = [track["track_id"] for track in sample.tracks]
    assert len(set(ids)) == 100
    counts = Counter(int(name[1:]) % 10 == 0 for name in ids)
    assert counts[True] == 10


def test_the_totals_fill_in_lengths_from_sizes(connection):
    totals = draw(connection).totals
    assert (totals.num_tracks, totals.num_unknown) == (1000, 20)
    assert totals.weight_s == pytest.approx(900 * 30 + 100 * 300, rel=0.01)


def test_a_seed_gives_the_same_tracks_and_another_others(connection):
    first = draw(connection).tracks
    connection.execute("DROP TABLE weighed")
    assert draw(connection).tracks == first
    connection.execute("DROP TABLE weighed")
    assert draw(connection, seed=4).tracks != first


@pytest.mark.parametrize("num_tracks", [1, 7, 1000, 5000])
def test_a_sample_is_as_large_as_asked_or_all(connection, num_tracks):
    assert len(draw(connection, num_tracks=num_tracks).tracks) == min(num_tracks, 1000)


def test_lengths_that_no_header_says_come_from_sizes(connection):
    sample = draw(connection, where="duration_s IS NULL")
    assert sample.totals.weight_s == pytest.approx(sample.totals.size_bytes / 16_000)


def test_an_empty_catalog_is_refused(connection):
    with pytest.raises(ConfigError, match="no track"):
        draw(connection, where="false")
