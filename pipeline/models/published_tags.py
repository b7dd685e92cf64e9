"""The tags of the published taggers, with the category that this project gives each of them.

Order is the model's: `mtat50` is that of `tags.npy` (not of `top50_tags.txt`, where two differ),
`msd50` that of the Million Song Dataset's list, `jamendo50` the sorted one of MTG-Jamendo (the
published code lists them otherwise, but its LabelBinarizer sorts). Names keep their published
spelling.
"""

from __future__ import annotations

from pipeline.taxonomy import SEPARATOR, Taxonomy

MTAT_NAMES = (
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast"),
    *("piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male"),
    *("singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman"),
    *("male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice"),
    *("new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice"),
    *("weird", "country", "metal", "female voice", "choral"),
)
_JAMENDO_GENRES = (
    *("alternative", "ambient", "atmospheric", "chillout", "classical", "dance", "downtempo"),
    *("easylistening", "electronic", "experimental", "folk", "funk", "hiphop", "house", "indie"),
    *("instrumentalpop", "jazz", "lounge", "metal", "newage", "orchestral", "pop", "popfolk"),
    *("poprock", "reggae", "rock", "soundtrack", "techno", "trance", "triphop", "world"),
)
_JAMENDO_INSTRUMENTS = (
    *("acousticguitar", "bass", "computer", "drummachine", "drums", "electricguitar"),
    *("electricpiano", "guitar", "keyboard", "piano", "strings", "synthesizer", "violin"),
    "voice",
)
MSD_NAMES = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
    *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists"),
    *("classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill"),
    *("instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
    *("experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country"),
    *("easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock"),
    *("60s", "rnb", "indie pop", "sad", "House", "happy"),
)

JAMENDO_TAGS = (
    *(f"genre---{name}" for name in _JAMENDO_GENRES),
    *(f"instrument---{name}" for name in _JAMENDO_INSTRUMENTS),
    *(f"mood/theme---{name}" for name in ("emotional", "energetic", "film", "happy", "relaxing")),
)

NAMES_BY_CATEGORY = {
    "genre": (
        *("alternative", "alternative rock", "ambient", "blues", "classic", "classic rock"),
        *("classical", "country", "dance", "easy listening", "electro", "electronic"),
        *("electronica", "experimental", "folk", "funk", "hard rock", "heavy metal", "Hip-Hop"),
        *("House", "indian", "indie", "indie pop", "indie rock", "jazz", "metal", "new age"),
        *("opera", "pop", "Progressive rock", "punk", "rnb", "rock", "soul", "techno"),
    ),
    "instrument": (
        *("cello", "drums", "flute", "guitar", "harp", "harpsichord", "piano", "sitar"),
        *("strings", "synth", "violin"),
    ),
    "vocal": (
        *("choir", "choral", "female", "female vocal", "female vocalist", "female vocalists"),
        *("female voice", "instrumental", "male", "male vocal", "male vocalists", "male voice"),
        *("man", "no vocal", "no vocals", "no voice", "singing", "vocal", "vocals", "voice"),
        "woman",
    ),
    "mood": (
        *("beautiful", "catchy", "chill", "chillout", "happy", "loud", "Mellow", "party", "quiet"),
        *("sad", "sexy", "soft", "weird"),
    ),
    "tempo": ("fast", "slow"),
    "era": ("00s", "60s", "70s", "80s", "90s", "oldies"),
    "other": ("acoustic", "beat", "beats", "solo"),
}


def mtat50() -> Taxonomy:
    """The 50 tags of MagnaTagATune."""
    return _taxonomy("mtat50", MTAT_NAMES)


def msd50() -> Taxonomy:
    """The 50 tags of the Million Song Dataset."""
    return _taxonomy("msd50", MSD_NAMES)


def jamendo50() -> Taxonomy:
    """The 50 most frequent tags of MTG-Jamendo, which have categories of their own."""
    return Taxonomy("jamendo50", JAMENDO_TAGS)


TAXONOMIES = {"mtat50": mtat50, "msd50": msd50, "jamendo50": jamendo50}


def _taxonomy(name: str, names: tuple[str, ...]) -> Taxonomy:
    category = {tag: group for group, tags in NAMES_BY_CATEGORY.items() for tag in tags}
    return Taxonomy(name, tuple(f"{category[tag]}{SEPARATOR}{tag}" for tag in names))
