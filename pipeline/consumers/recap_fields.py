"""Where each format of listening history keeps user, track, artist, title, time and length.

Each field has its places in order of preference; the first that holds something counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.consumers.recap_formats import LASTFM_TIMES, Kind

Fields = Mapping[str, tuple[str, ...]]
"""Places, as JSON paths or names of columns, by field."""
LISTENBRAINZ: Fields = {
    "user": ("$.user_name",),
    "track": (
        *("$.track_metadata.mbid_mapping.recording_mbid", "$.recording_mbid"),
        "$.track_metadata.additional_info.recording_mbid",
    ),
    "isrc": ("$.track_metadata.additional_info.isrc",),
    "artist": ("$.track_metadata.artist_name",),
    "title": ("$.track_metadata.track_name",),
    "time": ("$.listened_at",),
    "ms": ("$.track_metadata.additional_info.duration_ms",),
    "s": (
        "$.track_metadata.additional_info.duration_played",
        "$.track_metadata.additional_info.duration",
    ),
}
SPOTIFY: Fields = {
    "user": ("$.username",),
    "track": ("$.spotify_track_uri",),
    "artist": ("$.master_metadata_album_artist_name",),
    "title": ("$.master_metadata_track_name",),
    "time": ("$.ts",),
    "ms": ("$.ms_played",),
}
TABLE: Fields = {
    name: (f"$.{name}",) for name in ("user", "track", "isrc", "artist", "title", "time")
} | {"ms": ("$.ms_played",)}
JSON_FIELDS: dict[Kind, Fields] = {
    Kind.LISTENBRAINZ: LISTENBRAINZ,
    Kind.SPOTIFY: SPOTIFY,
    Kind.TABLE: TABLE,
}
CSV_FIELDS: dict[Kind, Fields] = {
    Kind.LASTFM: {
        "user": ("user", "username"),
        "track": ("track_mbid",),
        "isrc": ("isrc",),
        "artist": ("artist",),
        "title": ("track",),
        "time": LASTFM_TIMES,
    },
    Kind.TABLE: {name: (name,) for name in TABLE} | {"ms": ("ms_played",)},
}
