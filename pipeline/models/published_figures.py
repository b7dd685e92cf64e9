"""What is published about the published taggers: their data, split, recipe and figures.

Figures are entered from where each entry's `source` says. Two splits of MagnaTagATune are in use,
and figures of one cannot be put beside those of the other: with the clips that have no tag in the
test, PR-AUC is far lower for much the same network (musicnn: 0.38 against 0.45).
"""

from __future__ import annotations

from pipeline.evaluation.card_facts import PublishedData, PublishedFigures
from pipeline.models.published_musicnn import SOURCE_URL, WHEEL

SOTA_SOURCE = "https://github.com/minzwon/sota-music-tagging-models"
BIG = "musicnn:MSD_musicnn_big"

MUSICNN_FIGURES = "the files experiment.result of the musicnn package"
SOTA_FIGURES = f"figs/performance.png of {SOTA_SOURCE} (arXiv 2006.00751)"

_MTAT_SYNONYMS = (
    "Several tags mean the same (no vocal, no vocals, no voice; classic, classical; female voice, "
    "female vocal, woman): their scores are close, and none of them is complete."
)
_SHARED_ARTISTS = (
    "The splits that it was trained and judged by share artists, so its figures are too good for "
    "artists that it has never heard."
)
_MTAT_LICENCE = "The clips that it was trained on are under CC BY-NC-SA 3.0."
_TWO_SPLITS = (
    "Its figures cannot be put beside those of the other split of MagnaTagATune in use, which "
)
MTAT_ALL_CLIPS = PublishedData(
    "MagnaTagATune",
    "pons, by folders, with the clips that have none of the 50 tags",
    {"train": 18_706, "validation": 1_825, "test": 5_329},
    (
        f"{_TWO_SPLITS}leaves out clips without a tag (lee).",
        _SHARED_ARTISTS,
        _MTAT_SYNONYMS,
        _MTAT_LICENCE,
    ),
)
MTAT_TAGGED_CLIPS = PublishedData(
    "MagnaTagATune",
    "lee, by its lists, without the clips that have none of the 50 tags",
    {"train": 15_244, "validation": 1_529, "test": 4_332},
    (
        f"{_TWO_SPLITS}keeps clips without a tag (pons).",
        _SHARED_ARTISTS,
        _MTAT_SYNONYMS,
        _MTAT_LICENCE,
    ),
)
MSD = PublishedData(
    "Million Song Dataset, with tags of Last.fm's listeners",
    "lee, songs with a preview of over 29.1 s",
    {"train": 201_680, "validation": 11_774, "test": 28_435},
    (
        _SHARED_ARTISTS,
        "The labels are what listeners typed: a song without a tag may well deserve it.",
    ),
)
JAMENDO = PublishedData(
    "MTG-Jamendo, its 50 most frequent tags",
    "split-0, in which no artist stands in two splits",
    {"train": 32_136, "validation": 10_888, "test": 11_356},
    ("The labels are what artists gave their own music: a track without a tag may deserve it.",),
)

_MUSICNN_RECIPE = (
    "one random patch of each track an epoch; Adam at 0.001, weight decay 0.00001, batches of 32; "
    "the rate was halved after 75 epochs without a lower loss"
)
_SOTA_RECIPE = (
    "one random chunk of each track an epoch, 200 epochs, batches of 16; Adam at 0.0001 with "
    "weight decay 0.0001 for 80 epochs, then SGD at 0.001, 0.0001 and 0.00001, each from the best "
    "weights so far; best is the lowest loss on validation"
)
_MUSICNN_PROTOCOL = "every patch of 187 frames, side by side"
_SOTA_PROTOCOL = "16 chunks a track at equal distances"

_SOTA_AREAS = {  # ROC-AUC and PR-AUC
    "mtat": {
        "fcn": (0.9005, 0.4295),
        "musicnn": (0.9106, 0.4493),
        "sample": (0.9058, 0.4422),
        "se": (0.9103, 0.4520),
        "crnn": (0.8722, 0.3625),
        "attention": (0.9077, 0.4445),
        "hcnn": (0.9127, 0.4611),
        "short": (0.9126, 0.4590),
    },
    "msd": {
        "fcn": (0.8744, 0.2970),
        "musicnn": (0.8803, 0.2983),
        "sample": (0.8789, 0.2959),
        "se": (0.8838, 0.3109),
        "crnn": (0.8499, 0.2469),
        "attention": (0.8810, 0.3103),
        "hcnn": (0.8898, 0.3298),
        "short": (0.8883, 0.3251),
        "short_res": (0.8898, 0.3280),
    },
    "jamendo": {
        "fcn": (0.8255, 0.2801),
        "musicnn": (0.8226, 0.2713),
        "sample": (0.8208, 0.2742),
        "se": (0.8233, 0.2784),
        "crnn": (0.7978, 0.2358),
        "attention": (0.8261, 0.2883),
        "hcnn": (0.8322, 0.2956),
        "short": (0.8324, 0.2976),
        "short_res": (0.8316, 0.2951),
    },
}
_SOTA_DATA = {"mtat": MTAT_TAGGED_CLIPS, "msd": MSD, "jamendo": JAMENDO}


def _musicnn(data: PublishedData, roc_auc: float, pr_auc: float) -> PublishedFigures:
    return PublishedFigures(
        data, _MUSICNN_RECIPE, _MUSICNN_PROTOCOL, roc_auc, pr_auc, MUSICNN_FIGURES
    )


FIGURES = {
    "musicnn:MTT_musicnn": _musicnn(MTAT_ALL_CLIPS, 0.9067, 0.3831),
    "musicnn:MTT_vgg": _musicnn(MTAT_ALL_CLIPS, 0.9030, 0.3823),
    "musicnn:MSD_musicnn": _musicnn(MSD, 0.8802, 0.2891),
    "musicnn:MSD_vgg": _musicnn(MSD, 0.8768, 0.2819),
    BIG: _musicnn(MSD, 0.8841, 0.3003),
    **{
        f"sota:{dataset}/{network}": PublishedFigures(
            _SOTA_DATA[dataset], _SOTA_RECIPE, _SOTA_PROTOCOL, *areas, SOTA_FIGURES
        )
        for dataset, networks in _SOTA_AREAS.items()
        for network, areas in networks.items()
    },
}
"""By the reference of the tagger."""


def source_of(reference: str) -> str:
    """Where a published tagger's weights come from: a bundle's `source`."""
    collection, _, name = reference.partition(":")
    if collection == "sota":
        return f"{SOTA_SOURCE} models/{name}"
    return f"{SOURCE_URL} musicnn/{name}" if reference == BIG else f"PyPI {WHEEL}, {name}"


def figures_of(source: str) -> PublishedFigures | None:
    """What is published of the tagger whose weights come from there; None: of another one."""
    return _BY_SOURCE.get(source)


_BY_SOURCE = {source_of(reference): figures for reference, figures in FIGURES.items()}
