from __future__ import annotations

import json
from dataclasses import replace

import pytest
from evaluations import DATE, judged, verdict

from pipeline.errors import ConfigError
from pipeline.evaluation.evaluated import evaluated, from_text, to_text, with_evaluation
from pipeline.taxonomy import TaskKind


@pytest.mark.parametrize("kind", [TaskKind.MULTILABEL, TaskKind.MULTICLASS])
def test_what_is_read_is_what_was_kept(kind):
    kept = (judged(kind=kind), judged("validation", dataset=None))
    assert from_text(to_text(kept, fingerprint="f"), fingerprint="f", url="e.json") == kept


def test_it_has_the_verdicts_figures():
    given = verdict()
    kept = evaluated(given, date=DATE)
    assert kept.figures.evaluation == given.figures.evaluation
    assert kept.figures.intervals.keys() == {
        name for name in given.figures.intervals if "/" not in name
    }


def test_evaluations_of_another_bundle_are_not_this_ones():
    assert from_text(to_text([judged()], fingerprint="f"), fingerprint="g", url="e.json") == ()


def test_a_later_evaluation_takes_the_place_of_its_like_and_of_no_other():
    first = judged()
    others = [
        judged("validation"),
        judged(dataset=None),
        judged(protocol="16 chunks a track at equal distances"),
    ]
    kept = ()
    for evaluation in (first, *others):
        kept = with_evaluation(kept, evaluation)
    assert len(kept) == 4
    again = replace(first, date="2026-02-03", num_tracks=41)
    after = with_evaluation(kept, again)
    assert len(after) == 4
    assert again in after
    assert first not in after
    assert with_evaluation(list(reversed(kept)), again) == after


def test_saved_scores_are_no_bundles():
    given = verdict()
    with pytest.raises(ValueError, match="was no bundle's"):
        evaluated(replace(given, subject=replace(given.subject, judged=None)), date=DATE)


@pytest.mark.parametrize("change", [{"evaluations": [{"split": "test"}]}, {"fingerprint": 3}])
def test_a_damaged_file_is_named_with_its_fault(change):
    tree = json.loads(to_text([judged()], fingerprint="f")) | change
    with pytest.raises(ConfigError, match=r"^e\.json does not hold evaluations: .*remove it"):
        from_text(json.dumps(tree).encode(), fingerprint="f", url="e.json")
    with pytest.raises(ConfigError, match="does not hold evaluations"):
        from_text(b"{half", fingerprint="f", url="e.json")
