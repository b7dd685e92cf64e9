"""Listening histories of made-up people over the tracks of a catalog, in each format.

    python tests/listens.py WORKSPACE FOLDER

writes two years of 60 people over the workspace's tracks as one table (FOLDER/history.parquet), and
the first of them in the format of each service. A person loves a few artists, comes to know others
month by month, listens more in the evening and at weekends, in sessions, and skips now and then.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = np.array([1, 0.5, 0.3, 0.2, 0.2, 0.4, 2, 5, 6, 3, 2, 2, 4, 3, 2, 2, 4, 6, 7, 8, 9, 8, 5, 3])
MONTHS = np.array([1.0, 0.9, 1.0, 1.1, 1.0, 0.8, 0.6, 0.7, 1.0, 1.2, 1.3, 1.5])
ELSEWHERE = (("The Unheard", "Nowhere"), ("Aphex Twin", "Xtal"), ("Björk", "Jóga"))
"""Played too, and in no catalog of these tests."""


@dataclass(frozen=True)
class Listen:
    """One play, as all formats can say it."""

    user: str
    track: str
    artist: str
    title: str
    time: datetime
    ms_played: int


def make_listens(
    tracks: Sequence[dict[str, Any]],
    *,
    users: Sequence[str],
    days: int = 730,
    sessions_a_day: float = 1.2,
    seed: int = 0,
) -> list[Listen]:
    """Listens of each user, in the order of their times.

    Args:
        tracks: track_id, artist, title, duration_s.
        users: their names.
        days: from START on.
        sessions_a_day: on a mean day.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    by_artist: dict[str, list[dict[str, Any]]] = {}
    for track in tracks:
        by_artist.setdefault(track["artist"] or "", []).append(track)
    listens: list[Listen] = []
    for user in users:
        listens += _person(user, by_artist, days=days, sessions_a_day=sessions_a_day, rng=rng)
    return sorted(listens, key=lambda one: (one.time, one.user))


def _person(
    user: str,
    by_artist: dict[str, list[dict[str, Any]]],
    *,
    days: int,
    sessions_a_day: float,
    rng: np.random.Generator,
) -> list[Listen]:
    artists = list(rng.permutation(sorted(by_artist)))
    months = max(1, days // 30)
    known_at = np.sort(rng.integers(0, months, len(artists)))
    known_at[: max(2, len(artists) // 4)] = 0
    love = rng.gamma(0.6, 1.0, len(artists)) + 0.05
    listens = []
    for day in range(days):
        date = START + timedelta(days=day)
        rate = sessions_a_day * MONTHS[date.month - 1] * (1.4 if date.weekday() >= 5 else 1.0)
        weights = love * (known_at <= day // 30)
        for _ in range(rng.poisson(rate)):
            hour = int(rng.choice(24, p=HOURS / HOURS.sum()))
            time = date + timedelta(hours=hour, seconds=int(rng.integers(3600)))
            listens += _session(user, artists, by_artist, weights, time=time, rng=rng)
    return listens


def _session(user, artists, by_artist, weights, *, time, rng) -> list[Listen]:
    listens = []
    artist = rng.choice(len(artists), p=weights / weights.sum())
    for _ in range(1 + rng.geometric(0.1)):
        if rng.random() < 0.35:
            artist = rng.choice(len(artists), p=weights / weights.sum())
        if rng.random() < 0.04:
            name, title = ELSEWHERE[rng.integers(len(ELSEWHERE))]
            track, seconds = "", 200.0
        else:
            songs = by_artist[artists[artist]]
            song = songs[min(int(rng.exponential(len(songs) / 3)), len(songs) - 1)]
            track, name, title = song["track_id"], song["artist"], song["title"]
            seconds = song["duration_s"] or 200.0
        if rng.random() < 0.08:
            seconds = 0.02 * seconds
        listens.append(Listen(user, track, name, title, time, int(1000 * seconds)))
        time += timedelta(seconds=int(seconds) + int(rng.integers(1, 8)))
    return listens


def write_table(path: Path, listens: Sequence[Listen]) -> Path:
    """Parquet, CSV or JSON lines by the ending, with artist and title beside the track."""
    rows = [one.__dict__ for one in listens]
    if path.suffix == ".parquet":
        kinds = {"time": pa.timestamp("us", tz="UTC"), "ms_played": pa.int64()}
        names = ("user", "track", "artist", "title", "time", "ms_played")
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        return path
    texts = [row | {"time": row["time"].isoformat()} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, fieldnames=list(texts[0]))
            writer.writeheader()
            writer.writerows(texts)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in texts)
    return path


def write_listenbrainz(path: Path, listens: Sequence[Listen]) -> Path:
    """JSON lines as in the export: seconds of Unix, names, and the length that the player said."""
    with path.open("w", encoding="utf-8") as file:
        for one in listens:
            additional = {"duration_ms": one.ms_played, "submission_client": "made"}
            metadata = {"artist_name": one.artist, "track_name": one.title}
            row = {
                "listened_at": int(one.time.timestamp()),
                "track_metadata": {**metadata, "additional_info": additional, "release_name": None},
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def write_spotify(folder: Path, listens: Sequence[Listen], *, rows_a_file: int = 10_000) -> Path:
    """A folder of JSON arrays; the time is the end of the play, and a podcast is among them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "ts": (one.time + timedelta(milliseconds=one.ms_played)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ms_played": one.ms_played,
            "master_metadata_track_name": one.title,
            "master_metadata_album_artist_name": one.artist,
            "spotify_track_uri": f"spotify:track:{abs(hash((one.artist, one.title))):022d}",
            "episode_name": None,
        }
        for one in listens
    ]
    nothing = dict.fromkeys(rows[0]) if rows else {}
    rows.append(nothing | {"ts": "2024-05-01T10:00:00Z", "ms_played": 9e5, "episode_name": "Talk"})
    for i in range(0, len(rows), rows_a_file):
        part = folder / f"Streaming_History_Audio_{i // rows_a_file}.json"
        part.write_text(json.dumps(rows[i : i + rows_a_file], ensure_ascii=False, indent=1))
    return folder


def write_lastfm(path: Path, listens: Sequence[Listen], *, header: bool = True) -> Path:
    """With `uts` and a header, or bare: artist, album, track and a date without a zone."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(["uts", "utc_time", "artist", "album", "track"])
        for one in listens:
            date = one.time.strftime("%d %b %Y %H:%M")
            uts = int(one.time.timestamp())
            names = [one.artist, "", one.title]
            writer.writerow([uts, date, *names] if header else [*names, date])
    return path


def catalog_tracks(root: str) -> list[dict[str, Any]]:
    """What `make_listens` needs of the tracks of a workspace."""
    from pipeline.storage import Storage
    from pipeline.tables.views import open_views, run_query

    with open_views(root, storage=Storage(), memory_mb=256) as views:
        sql = "SELECT track_id, artist, title, duration_s FROM tracks WHERE artist IS NOT NULL"
        return run_query(views, sql).to_pylist()


def write_all(root: str, folder: Path) -> None:
    """The history of 60 people, and of one in each format."""
    folder.mkdir(parents=True, exist_ok=True)
    users = ["Ada", *(f"listener {i:02d}" for i in range(2, 61))]
    listens = make_listens(catalog_tracks(root), users=users)
    write_table(folder / "history.parquet", listens)
    mine = [one for one in listens if one.user == users[0]]
    write_listenbrainz(folder / "listens.jsonl", mine)
    write_spotify(folder / "spotify", mine)
    write_lastfm(folder / "lastfm.csv", mine)
    print(f"{len(listens)} listens of {len(users)} people, {len(mine)} of {users[0]}: {folder}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    write_all(sys.argv[1], Path(sys.argv[2]))
