"""The pyarrow schema of every table, and the one home of what its columns mean.

A field's metadata has `comment`, which Delta, Spark and Trino show, and `unit`; ranges and what
nulls stand for are told by `fully_described`. Delta has no half float and no fixed-size list, turns
nanoseconds into something unreadable and naive timestamps into a newer protocol, so tables hold UTC
microseconds and plain lists (measured on deltalake 1.6.6).
"""

from __future__ import annotations

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

_FRACTIONS = ("score", "scores", "threshold", "beat_regularity", "meter_confidence")
_DONE = ("scores", "embedding", "num_chunks", "part", "first_row", "num_rows", "num_frames")
_RANGES = {
    **dict.fromkeys((*_FRACTIONS, "key_confidence", "chords", "brightness_mean"), "0 to 1"),
    **dict.fromkeys(("size_bytes", "duration_s", "occurrence", "num_chunks", "num_beats"), "0 up"),
    **dict.fromkeys(("rank", "sample_rate_hz", "num_channels"), "1 up"),
    "tuning_cents": "-50 to 50",
    "beats_per_bar": "3 or 4",
}
_NULLS = {
    **dict.fromkeys(("title", "artist", "album", "year"), "neither the file nor the table says"),
    **dict.fromkeys(("codec", "sample_rate_hz", "num_channels"), "the header could not be read"),
    **dict.fromkeys(_DONE, "the track failed"),
    **dict.fromkeys(("threshold", "positive"), "the model is not calibrated"),
    **dict.fromkeys(("tempo_bpm", "beats_per_bar"), "no pulse was found"),
    **dict.fromkeys(("key", "mode"), "nothing is tonal"),
    **dict.fromkeys(("reason", "detail"), "nothing was wrong"),
    "duration_s": "not known: the header does not say, or nothing was decoded",
}


def _field(
    name: str, kind: pa.DataType, doc: str, *, unit: str = "", nullable: bool = True
) -> pa.Field:
    metadata = {"comment": doc} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def described_field(
    name: str, kind: pa.DataType, doc: str, *, span: str = "", null: str = ""
) -> pa.Field:
    """A column of no table, with its meaning, range, and what a null stands for if it has any."""
    facts = {"comment": doc} | ({"range": span} if span else {}) | ({"nulls": null} if null else {})
    return pa.field(name, kind, nullable=bool(null), metadata=facts)


def fully_described(field: pa.Field) -> pa.Field:
    """The column with range and nulls in its metadata too, which tables' files need not carry."""
    told = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
    facts = {"range": _RANGES.get(field.name, "")}
    facts["nulls"] = _NULLS.get(field.name, "not known") if field.nullable else ""
    return field.with_metadata({key: text for key, text in (facts | told).items() if text})


def sentence(field: pa.Field) -> str:
    """All that a column says of itself: meaning, unit, range, and what a null stands for."""
    told = {key.decode(): text.decode() for key, text in fully_described(field).metadata.items()}
    doc, span = told["comment"], told.get("range", "")
    parts = [f"{doc}, {told['unit']}" if "unit" in told else doc, "" if span in doc else span]
    return "; ".join(filter(None, [*parts, f"null: {told['nulls']}" if "nulls" in told else ""]))


def _series(name: str, doc: str, *, unit: str = "") -> list[pa.Field]:
    """Mean and standard deviation over the frames that are no silence."""
    return [
        _field(f"{name}_mean", pa.float32(), f"{doc}; mean over frames", unit=unit),
        _field(f"{name}_std", pa.float32(), f"{doc}; standard deviation over frames", unit=unit),
    ]


# Comments for good, as CURRENT's: deltalake 1.6.6 refuses a write with others than the table's.
CATALOG = pa.schema(
    [
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("uri", pa.string(), "where its audio is", nullable=False),
        _field("source_url", pa.string(), "the SOURCE that a scan was given", nullable=False),
        _field("occurrence", pa.int32(), "0; above 0 the id stands before in the catalog"),
        _field("size_bytes", pa.int64(), "size of the file", unit="bytes"),
        _field("audio_version", pa.string(), "etag, or size and time of change", nullable=False),
        _field("codec", pa.string(), "container and coding as the decoder names them"),
        _field("sample_rate_hz", pa.int32(), "of the file", unit="hertz"),
        _field("num_channels", pa.int32(), "of the file"),
        _field("duration_s", pa.float64(), "as the header says", unit="seconds"),
        _field("title", pa.string(), "from the file's tags or the table"),
        _field("artist", pa.string(), "from the file's tags or the table"),
        _field("album", pa.string(), "from the file's tags or the table"),
        _field("year", pa.int32(), "from the file's tags or the table"),
        _field("license", pa.string(), "where known"),
        _field("dataset", pa.string(), "the data set it belongs to"),
        _field("split", pa.string(), "train, validation or test"),
        _field("labels", pa.list_(pa.string()), "known tags, category---name"),
        _field("reason", pa.string(), "why the header could not be read; null if it could"),
        _field("detail", pa.string(), "what the reader said"),
        _field("scanned_at", TIMESTAMP, "when this row was written"),
    ]
)

PLAN = pa.schema(
    [
        _field("track_id", pa.string(), "a planned track", nullable=False),
        _field("audio_version", pa.string(), "the version planned", nullable=False),
        _field("uri", pa.string(), "where its audio is", nullable=False),
    ]
)

RESULTS = pa.schema(
    [
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("audio_version", pa.string(), "the version that was scored", nullable=False),
        _field("scoring_id", pa.string(), "all that can change a score, hashed", nullable=False),
        _field("model_version", pa.string(), "bundle name and fingerprint"),
        _field("plan_id", pa.string(), "the plan it was done for", nullable=False),
        _field("run_id", pa.string(), "the run that did it", nullable=False),
        _field("status", pa.string(), "ok or failed", nullable=False),
        _field("reason", pa.string(), "why it failed; with ok: what was wrong with the file"),
        _field("detail", pa.string(), "what the decoder said"),
        _field("duration_s", pa.float64(), "audio that was decoded", unit="seconds"),
        _field("num_chunks", pa.int32(), "chunks that were averaged"),
        _field("scores", pa.list_(pa.float32()), "of each tag, in taxonomy order"),
        _field("embedding", pa.list_(pa.float32()), "the layer that the bundle names, averaged"),
        _field("tagged_at", TIMESTAMP, "when it was scored", nullable=False),
    ]
)

FEATURE_INDEX = pa.schema(
    [
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("audio_version", pa.string(), "the version that was read", nullable=False),
        _field("spec_id", pa.string(), "the front end, hashed", nullable=False),
        _field("plan_id", pa.string(), "the plan it was done for", nullable=False),
        _field("run_id", pa.string(), "the run that did it", nullable=False),
        _field("status", pa.string(), "ok or failed", nullable=False),
        _field("reason", pa.string(), "why it failed; with ok: what was wrong with the file"),
        _field("detail", pa.string(), "what the decoder said"),
        _field("duration_s", pa.float64(), "audio that was decoded", unit="seconds"),
        _field("part", pa.string(), "Parquet part that holds the mel, relative to features"),
        _field("first_row", pa.int64(), "its first row in the part"),
        _field("num_rows", pa.int32(), "its rows (blocks) in the part"),
        _field("num_frames", pa.int64(), "its frames over all blocks"),
        _field("made_at", TIMESTAMP, "when it was made", nullable=False),
    ]
)

# Columns beside the ledger's own: pipeline/audio/descriptors.py gives their values by these names.
_DESCRIBED = [
    _field("loudness_lufs", pa.float32(), "integrated, the mono mix as one channel", unit="LUFS"),
    _field("loudness_range_lu", pa.float32(), "EBU Tech 3342; from 3 s on", unit="LU"),
    _field("dynamic_complexity_db", pa.float32(), "mean distance from the mean level", unit="dB"),
    _field("rms_dbfs", pa.float32(), "root mean square of the mono mix", unit="dB of full scale"),
    _field("peak_dbfs", pa.float32(), "largest sample of the mono mix", unit="dB of full scale"),
    _field("crest_db", pa.float32(), "peak over root mean square", unit="dB"),
    _field("tempo_bpm", pa.float32(), "beats a minute", unit="1/minute"),
    _field("beat_regularity", pa.float32(), "how much repeats after one beat"),
    _field("num_beats", pa.int32(), "beats that were found"),
    _field("onset_density_hz", pa.float32(), "onsets a second", unit="hertz"),
    _field("beats_per_bar", pa.int8(), "3 in triple time, 4 in duple (also 2/4, and 6/8 in two)"),
    _field("meter_confidence", pa.float32(), "lead of the one meter over the other"),
    _field("key", pa.string(), "tonic: C, C#, D, ... B"),
    _field("mode", pa.string(), "major or minor"),
    _field("key_confidence", pa.float32(), "lead over the next likely key"),
    _field("tuning_cents", pa.float32(), "distance from A = 440 Hz", unit="cents"),
    _field("chords", pa.list_(pa.float32()), "shares of time: 12 major from C up, 12 minor, none"),
    _field("chord", pa.string(), "the commonest chord, ROOT:maj or ROOT:min"),
    _field("chord_changes_hz", pa.float32(), "changes of chord a second", unit="hertz"),
    _field("pitch_lowest_midi", pa.int16(), "lowest pitch played, an estimate", unit="MIDI"),
    _field("pitch_highest_midi", pa.int16(), "highest pitch, a rough estimate", unit="MIDI"),
    _field("mfcc_mean", pa.list_(pa.float32()), "mean of each of 20 coefficients"),
    _field("mfcc_std", pa.list_(pa.float32()), "their standard deviations"),
    *_series("spectral_centroid_hz", "mean frequency of a frame", unit="hertz"),
    *_series("spectral_bandwidth_hz", "spread around the centroid", unit="hertz"),
    *_series("spectral_rolloff_hz", "85 % of a frame's magnitude lies below", unit="hertz"),
    *_series("spectral_flatness", "0 a tone, 1 noise"),
    *_series("brightness", "share of power above 1,500 Hz"),
    _field("spectral_contrast_mean", pa.list_(pa.float32()), "peaks over valleys", unit="dB"),
    _field("spectral_contrast_std", pa.list_(pa.float32()), "its deviations, 7 bands", unit="dB"),
    _field("zero_crossings_hz", pa.float32(), "changes of sign a second", unit="hertz"),
]

DESCRIPTORS = pa.schema(
    [
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("audio_version", pa.string(), "the version that was described", nullable=False),
        _field("spec_id", pa.string(), "the descriptors' parameters, hashed", nullable=False),
        _field("plan_id", pa.string(), "the plan it was done for", nullable=False),
        _field("run_id", pa.string(), "the run that did it", nullable=False),
        _field("status", pa.string(), "ok or failed", nullable=False),
        _field("reason", pa.string(), "why it failed; with ok: what was wrong with the file"),
        _field("detail", pa.string(), "what the decoder said"),
        _field("duration_s", pa.float64(), "audio that was decoded", unit="seconds"),
        *_DESCRIBED,
        _field("made_at", TIMESTAMP, "when it was made", nullable=False),
    ]
)

TAGS = pa.schema(
    [
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("audio_version", pa.string(), "the version that was scored", nullable=False),
        _field("scoring_id", pa.string(), "which scoring", nullable=False),
        _field("taxonomy_id", pa.string(), "which list of tags", nullable=False),
        _field("tag", pa.string(), "name of the tag", nullable=False),
        _field("category", pa.string(), "category of the tag", nullable=False),
        _field("score", pa.float32(), "how sure the model is of the tag", nullable=False),
        _field("threshold", pa.float32(), "score from which on a track has the tag"),
        _field("positive", pa.bool_(), "score at or over the threshold"),
        _field("rank", pa.int32(), "place among the track's tags; 1 is the best", nullable=False),
    ]
)

CURRENT = pa.schema(
    [
        _field("taxonomy_id", pa.string(), "a list of tags", nullable=False),
        _field("taxonomy", pa.string(), "its short name", nullable=False),
        _field("tags", pa.list_(pa.string()), "category---name, in order", nullable=False),
        _field("scoring_id", pa.string(), "the scoring that its views show", nullable=False),
        _field("model_version", pa.string(), "the bundle behind it"),
        _field("since", TIMESTAMP, "when it was made current", nullable=False),
    ]
)

REQUEUED = pa.schema(
    [
        _field("table_name", pa.string(), "the ledger that the row was in", nullable=False),
        _field("key", pa.string(), "its scoring_id or spec_id", nullable=False),
        _field("track_id", pa.string(), "identity of a track", nullable=False),
        _field("audio_version", pa.string(), "the version that had failed", nullable=False),
        _field("reason", pa.string(), "why it had failed"),
        _field("detail", pa.string(), "what the decoder had said"),
        _field("requeued_at", TIMESTAMP, "when the row was taken out", nullable=False),
    ]
)


def feature_part(*, n_mels: int, block_frames: int, metadata: dict[str, str]) -> pa.Schema:
    """Schema of a features part: mel as a float16 tensor (M, F) that plain pyarrow reads so."""
    mel = pa.fixed_shape_tensor(pa.float16(), [n_mels, block_frames])
    return pa.schema(
        [
            _field("track_id", pa.string(), "identity of a track", nullable=False),
            _field("block_index", pa.int32(), "0 is the track's first block", nullable=False),
            _field("start_s", pa.float64(), "where the block starts", unit="seconds"),
            _field("num_frames", pa.int32(), "frames that are real; the rest is zero"),
            _field("mel", mel, "(M mel bands, F frames), as the front end stores it"),
        ],
        metadata=metadata,
    )
