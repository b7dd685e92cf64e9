from __future__ import annotations

from dataclasses import replace

import pytest
from evaluations import TAGS, judged

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend_spec import FRONTENDS
from pipeline.evaluation.card_facts import CardFacts
from pipeline.evaluation.card_words import chunk_words, frontend_words, highest_hz
from pipeline.evaluation.model_card import render_card
from pipeline.evaluation.model_limits import excludes_commerce, known_limits
from pipeline.evaluation.thresholds import NEVER
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.head import Head, HeadKind
from pipeline.models.origin import Origin, ThresholdOrigin, Training
from pipeline.models.published_figures import FIGURES
from pipeline.taxonomy import TaskKind, Taxonomy

TRAINING = Training(
    training_id="0123abcd",
    num_tracks={"train": 4_800, "validation": 150},
    datasets={"mine": 4_900, "not named": 50},
    licences={"CC BY-NC 3.0": 1_000, "CC BY 4.0": 3_950},
    group="artist",
    recipe="AdamW",
    augmentation="none",
    num_epochs=6,
    best_epoch=4,
    best_by="roc_auc_macro",
)
FACTS = CardFacts(
    name="notes",
    model_version="notes@0123456789ab",
    architecture="fcn",
    num_parameters=447_732,
    frontend=FRONTENDS["sota-mel96"],
    chunking=Chunking(Domain.FRAMES, length=187, hop=187, tail=Tail.DROP),
    taxonomy=Taxonomy("six", TAGS),
    head=Head(),
    thresholds=(0.25, 0.5, NEVER, 0.5, 0.75, 0.5),
    embedding="layer5",
    licence="not stated",
    source="earmark train 0123abcd",
    weights_sha256="ab" * 32,
    origin=Origin(TRAINING, ThresholdOrigin("best_f1", "validation", "mine", 150)),
    validation={"best_validation_accuracy": 0.91234},
    published=None,
    evaluations=(),
)


def limits(facts) -> str:
    return "\n".join(known_limits(facts))


def test_a_card_says_what_the_model_is_and_reads():
    card = render_card(FACTS)
    assert card.startswith("# notes\n")
    assert "| version | `notes@0123456789ab` |" in card
    assert "`fcn`, 447,732 parameters" in card
    assert "Hann window of 512 samples (32 ms)" in card
    assert "96 bands from 0 to 8,000 Hz on the HTK scale, without normalisation" in card
    assert "2.99 s (187 frames), side by side; what is left after the last whole chunk" in card
    assert "layer `layer5`" in card
    assert "earmark train 0123abcd" in card
    assert "`" + "ab" * 32 + "`" in card


def test_tags_stand_by_category_with_their_places():
    card = render_card(FACTS)
    assert "- `genre` (2): 0 `rock`, 2 `r&b\\|soul`" in card
    assert "- `mood` (2): 1 `calm`, 3 `sad`" in card
    assert "- `era` (2): 4 `60s`, 5 `70s`" in card


def test_a_trained_model_says_what_from_and_how():
    card = render_card(FACTS)
    assert "- data: mine (4,900 tracks), not named (50 tracks)" in card
    assert "- split: train 4,800, validation 150 tracks" in card
    assert "- what no two splits share: `artist`" in card
    assert "of epoch 4 of 6, chosen by roc_auc_macro on validation" in card
    assert "accuracy 0.912" in card
    said = "One a tag, from 0.250 to 0.750; chosen by the rule best_f1 on 150 tracks"
    assert f"{said} of the split validation of mine." in card


@pytest.mark.parametrize("reference", ["musicnn:MTT_musicnn", "sota:mtat/fcn", "sota:msd/hcnn"])
def test_a_published_model_has_the_published_figures_with_their_source(reference):
    published = FIGURES[reference]
    card = render_card(replace(FACTS, published=published, origin=Origin(), thresholds=None))
    assert f"| roc_auc_macro | {published.roc_auc:.4f} |" in card
    assert f"| pr_auc_macro | {published.pr_auc:.4f} |" in card
    assert f"Source: {published.source}" in card
    assert published.recipe in card
    assert "Not calibrated: null." in card


def test_the_two_splits_of_magnatagatune_are_never_mixed():
    for reference, published in FIGURES.items():
        card = render_card(replace(FACTS, published=published))
        pons, lee = ("18,706", "1,825", "5,329"), ("15,244", "1,529", "4,332")
        of_musicnn = reference.startswith("musicnn:MTT")
        of_sota = reference.startswith("sota:mtat")
        assert [number in card for number in pons] == [of_musicnn] * 3, reference
        assert [number in card for number in lee] == [of_sota] * 3, reference
        assert ("the other split of MagnaTagATune" in card) == (of_musicnn or of_sota)


def test_each_evaluation_has_its_figures_with_intervals():
    first, second = judged(), judged("validation", num_tracks=20, protocol="16 chunks a track")
    card = render_card(replace(FACTS, evaluations=(first, second)))
    assert "### test of mine, every chunk" in card
    assert "40 tracks, scored from audio by `notes@0123456789ab`, 2026-01-02." in card
    assert "### validation of mine, 16 chunks a track" in card
    found = first.intervals["roc_auc_macro"]
    row = f"| roc_auc_macro | {found.value:.3f} | {found.low:.3f} to {found.high:.3f} | chance 0.5"
    assert row in card
    assert found.low < found.value < found.high


def test_the_same_facts_give_the_same_card():
    facts = replace(FACTS, evaluations=(judged(),))
    assert render_card(facts) == render_card(facts)


def test_names_from_files_do_not_break_the_page():
    odd = replace(FACTS, name="a\n# b", licence="a | b <script>", embedding="x`y")
    card = render_card(odd)
    assert card.startswith("# a?# b\n")
    assert "a \\| b \\<script\\>" in card
    assert "`x'y`" in card


def test_limits_name_the_tags_that_were_never_met_and_the_weakest_five():
    found = limits(replace(FACTS, evaluations=(judged(),)))
    assert "No track that it was judged by has `era---70s`: nothing is known of them." in found
    (weakest,) = [line for line in found.splitlines() if line.startswith("Weakest")]
    assert weakest.startswith("Weakest of its tags, on test of mine: `era---60s` (ROC-AUC ")
    assert weakest.count("ROC-AUC") == 5
    assert weakest.index("era---60s") < weakest.index("mood---sad") < weakest.index("mood---calm")
    assert "No evaluation" not in found


def test_a_tag_that_another_evaluation_met_is_not_unseen():
    other = judged("validation", dataset="more")
    last = replace(other.tags[-1], num_positives=3)
    other = replace(other, tags=(*other.tags[:-1], last))
    assert "nothing is known of them" not in limits(replace(FACTS, evaluations=(judged(), other)))


def test_the_weakest_come_from_the_test_split_and_by_f1_where_one_tag_is_right():
    many = judged("validation", num_tracks=80, kind=TaskKind.MULTICLASS)
    few = judged("test", num_tracks=20, kind=TaskKind.MULTICLASS)
    found = limits(replace(FACTS, evaluations=(many, few)))
    assert "Weakest of its tags, on test of mine" in found
    assert "(F1 " in found
    assert "on a test split" not in found
    assert "only on validation" in limits(replace(FACTS, evaluations=(many,)))


def test_limits_follow_from_the_facts():
    found = limits(FACTS)
    assert "learned from 4,800 tracks of mine, not named" in found
    assert "nothing above 8,000 Hz" in found
    assert "shorter than a chunk, 2.99 s, is repeated" in found
    assert "rounded to float16" in found
    assert "No evaluation of it has been run here." in found
    assert "Never given, since no threshold does what was asked: `genre---r&b\\|soul`." in found
    assert "not stated: ask who trained it" in found
    assert "1,000 are under licences that exclude commercial use: CC BY-NC 3.0." in found
    assert "Nothing kept artists apart" not in found
    assert "not calibrated" not in found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"thresholds": None}, "It is not calibrated"),
        ({"origin": Origin()}, "What it was trained on is not recorded."),
        ({"origin": Origin(replace(TRAINING, group=None))}, "Nothing kept artists apart"),
        ({"licence": "CC BY-NC-SA 4.0"}, "CC BY-NC-SA 4.0, excludes commercial use"),
        ({"head": Head(HeadKind.SOFTMAX)}, "Its scores add up to 1"),
        ({"head": Head(HeadKind.POWERSET, ((0,), (1, 2)))}, "It knows 2 sets of tags"),
        (
            {"chunking": Chunking(Domain.WAVEFORM, length=48_000, hop=47_872, tail=Tail.ALIGN)},
            "shorter than a chunk, 3.00 s",
        ),
        (
            {"chunking": Chunking(Domain.WAVEFORM, length=48_000, hop=47_872, tail=Tail.ALIGN)},
            "a mel of its own, with its own edges",
        ),
    ],
)
def test_each_limit_is_said_where_it_holds_and_only_there(changes, said):
    assert said in limits(replace(FACTS, **changes))
    assert said not in limits(FACTS)


@pytest.mark.parametrize(
    ("licence", "excluded"),
    [
        ("CC BY-NC-SA 3.0", True),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0/", True),
        ("Non-commercial use only", True),
        ("MIT", False),
        ("ISC", False),
        ("CC BY 4.0", False),
        ("Apache-2.0", False),
    ],
)
def test_licences_that_exclude_commerce_are_known_by_name(licence, excluded):
    assert excludes_commerce(licence) is excluded


def test_the_wave_is_read_as_such():
    spec = FRONTENDS["wave-16k"]
    chunking = Chunking(Domain.FRAMES, length=59_049, hop=59_049, tail=Tail.ALIGN)
    assert frontend_words(spec) == "the wave itself, mono, at 16,000 Hz"
    assert chunk_words(chunking, spec).startswith("3.69 s (59,049 samples), side by side")
    assert highest_hz(spec) == 8_000
    counted = replace(chunking, count=16)
    assert chunk_words(counted, spec) == (
        "3.69 s (59,049 samples), 16 chunks a track at equal distances"
    )
