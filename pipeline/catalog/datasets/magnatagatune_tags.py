"""MagnaTagATune's 188 tags, in the order of their columns, and how they become labels.

The 50 that the published taggers know keep the category which they have there; the others get the
category `tag`. Synonyms are Choi's (github.com/keunwoochoi/magnatagatune-list).
"""

from __future__ import annotations

from pipeline.models.published_tags import mtat50

CHOICES = ("top50", "all", "merged")
OTHER = "tag"

TAGS = (
    *("no voice", "singer", "duet", "plucking", "hard rock", "world", "bongos", "harpsichord"),
    *("female singing", "clasical", "sitar", "chorus", "female opera", "male vocal", "vocals"),
    *("clarinet", "heavy", "silence", "beats", "men", "woodwind", "funky", "no strings", "chimes"),
    *("foreign", "no piano", "horns", "classical", "female", "no voices", "soft rock", "eerie"),
    *("spacey", "jazz", "guitar", "quiet", "no beat", "banjo", "electric", "solo", "violins"),
    *("folk", "female voice", "wind", "happy", "ambient", "new age", "synth", "funk"),
    *("no singing", "middle eastern", "trumpet", "percussion", "drum", "airy", "voice"),
    *("repetitive", "birds", "space", "strings", "bass", "harpsicord", "medieval", "male voice"),
    *("girl", "keyboard", "acoustic", "loud", "classic", "string", "drums", "electronic"),
    *("not classical", "chanting", "no violin", "not rock", "no guitar", "organ", "no vocal"),
    *("talking", "choral", "weird", "opera", "soprano", "fast", "acoustic guitar"),
    *("electric guitar", "male singer", "man singing", "classical guitar", "country", "violin"),
    *("electro", "reggae", "tribal", "dark", "male opera", "no vocals", "irish", "electronica"),
    *("horn", "operatic", "arabic", "lol", "low", "instrumental", "trance", "chant", "strange"),
    *("drone", "synthesizer", "heavy metal", "modern", "disco", "bells", "man", "deep"),
    *("fast beat", "industrial", "hard", "harp", "no flute", "jungle", "pop", "lute"),
    *("female vocal", "oboe", "mellow", "orchestral", "viola", "light", "echo", "piano", "celtic"),
    *("male vocals", "orchestra", "eastern", "old", "flutes", "punk", "spanish", "sad", "sax"),
    *("slow", "male", "blues", "vocal", "indian", "no singer", "scary", "india", "woman"),
    *("woman singing", "rock", "dance", "piano solo", "guitars", "no drums", "jazzy", "singing"),
    *("cello", "calm", "female vocals", "voices", "different", "techno", "clapping", "house"),
    *("monks", "flute", "not opera", "not english", "oriental", "beat", "upbeat", "soft", "noise"),
    *("choir", "female singer", "rap", "metal", "hip hop", "quick", "water", "baroque", "women"),
    *("fiddle", "english"),
)

SYNONYMS = (
    ("beat", "beats"),
    ("chant", "chanting"),
    ("choir", "choral"),
    ("classical", "clasical", "classic"),
    ("drum", "drums"),
    ("electro", "electronic", "electronica", "electric"),
    ("fast", "fast beat", "quick"),
    (
        *("female", "female singer", "female singing", "female vocals", "female voice"),
        *("woman", "woman singing", "women"),
    ),
    ("flute", "flutes"),
    ("guitar", "guitars"),
    ("hard", "hard rock"),
    ("harpsichord", "harpsicord"),
    ("heavy", "heavy metal", "metal"),
    ("horn", "horns"),
    ("india", "indian"),
    ("jazz", "jazzy"),
    (
        *("male", "male singer", "male vocal", "male vocals", "male voice"),
        *("man", "man singing", "men"),
    ),
    ("no beat", "no drums"),
    (
        *("no singer", "no singing", "no vocal", "no vocals", "no voice", "no voices"),
        "instrumental",
    ),
    ("opera", "operatic"),
    ("orchestra", "orchestral"),
    ("quiet", "silence"),
    ("singer", "singing"),
    ("space", "spacey"),
    ("string", "strings"),
    ("synth", "synthesizer"),
    ("violin", "violins"),
    ("vocal", "vocals", "voice", "voices"),
    ("strange", "weird"),
)
"""Groups of tags that are merged under the first name."""


def labels_by_tag(choice: str) -> dict[str, str]:
    """The label of each tag that the choice keeps.

    Args:
        choice: `top50`: of the 50; `all`: of the 188; `merged`: of the 188, where a group of
            synonyms shares its first name, in the category of its first member among the 50.
    """
    taxonomy = mtat50()
    known = dict(zip(taxonomy.names, taxonomy.tags, strict=True))
    if choice == "top50":
        return known
    labels = {tag: known.get(tag, f"{OTHER}---{tag}") for tag in TAGS}
    if choice == "merged":
        for group in SYNONYMS:
            labels |= dict.fromkeys(group, _shared(group, known=known))
    return labels


def _shared(group: tuple[str, ...], *, known: dict[str, str]) -> str:
    category = next((known[tag].partition("---")[0] for tag in group if tag in known), OTHER)
    return f"{category}---{group[0]}"
