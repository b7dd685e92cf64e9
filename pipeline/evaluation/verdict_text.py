"""Verdicts and thresholds as tables for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.evaluation.bootstrap import Interval, Paired
from pipeline.evaluation.metric_plots import short_names
from pipeline.evaluation.metrics import TagMetrics
from pipeline.evaluation.thresholds import NEVER, Choice
from pipeline.evaluation.verdict import Figures, Verdict
from pipeline.taxonomy import TaskKind

MISSING = "-"
"""In a narrow table; a line below names the tags that are not judged."""
CHANCE = {"roc_auc_macro": 0.5}
BASELINE_OF = {"pr_auc_macro": "pr_auc_chance"}
BASELINES = {"accuracy_majority", "accuracy_all_negative", "pr_auc_chance"}


def verdict_text(verdict: Verdict, *, width: int) -> str:
    """The summary beside its baselines, the tags, and what was left out."""
    return _text(_verdict(verdict), width=width)


def calibration_text(
    choices: Sequence[Choice], *, best: Sequence[Choice], asked: str, width: int
) -> str:
    """A tag's threshold, what it gives and what it costs against the best F1.

    Args:
        choices: of the rule.
        best: of the same tracks by the rule best_f1, in the same order.
        asked: the rule in words.
        width: of the terminal.
    """
    table = _table("tag", "tracks", "threshold", "precision", "recall", "F1", "cost: recall", "F1")
    for choice, other in zip(choices, best, strict=True):
        never = choice.threshold == NEVER
        table.add_row(
            _plain(choice.tag),
            f"{choice.num_positives:,}",
            "never" if never else f"{choice.threshold:.4f}",
            *(figure(value) for value in (choice.precision, choice.recall, choice.f1)),
            _cost(other.recall, choice.recall),
            _cost(other.f1, choice.f1),
        )
    lines: list[RenderableType] = [Text(f"thresholds by {asked}", style="bold"), table]
    missed = [choice.tag for choice in choices if not choice.reached]
    if missed:
        lines.append(
            Text(
                f"not reached by {len(missed)} tags, which will never be given: "
                + ", ".join(map(_plain, missed))
            )
        )
    return _text(lines, width=width)


def table_text(names: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> str:
    """A plain table; the first column stands left."""
    table = _table(*names)
    for row in rows:
        table.add_row(*map(_plain, row))
    return _text([table], width=width)


def figure(value: float | None) -> str:
    """Three places; a dash where it is not defined."""
    return MISSING if value is None else f"{value:.3f}"


def interval(found: Interval | None) -> str:
    """For example `0.412 to 0.498`."""
    return "" if found is None else f"{found.low:.3f} to {found.high:.3f}"


def difference(paired: Paired) -> str:
    """For example `roc_auc_macro +0.031 (+0.012 to +0.049), better in 99 % of resamples`."""
    found = paired.difference
    return (
        f"{paired.metric} {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}), "
        f"better in {paired.better_fraction:.0%} of resamples"
    )


def chance(name: str, figures: Figures) -> str:
    """What a metric must be read beside: what needs no model at all."""
    summary = figures.evaluation.summary
    if name == "accuracy":
        texts = {"accuracy_majority": "majority", "accuracy_all_negative": "all negative"}
        found = [f"{text} {summary[key]:.3f}" for key, text in texts.items() if key in summary]
        return ", ".join(found)
    value = CHANCE.get(name, summary.get(BASELINE_OF.get(name, "")))
    return "" if value is None else f"chance {value:.3f}"


def shown_metrics(figures: Figures) -> list[str]:
    """Names of the summary in their order, without those that say nothing of their own.

    These are the baselines, which stand beside the metrics, and, where each track has one tag and
    one prediction, all that equals accuracy.
    """
    left_out = set(BASELINES)
    if figures.evaluation.kind is TaskKind.MULTICLASS:
        left_out |= {"subset_accuracy", "precision_micro", "recall_micro", "f1_micro"}
    return [name for name in figures.evaluation.summary if name not in left_out]


def _verdict(verdict: Verdict) -> Iterator[RenderableType]:
    evaluation = verdict.figures.evaluation
    yield Text(f"{_plain(verdict.subject.name)}: {evaluation.num_tracks:,} tracks", style="bold")
    for name, fact in verdict.subject.facts.items():
        yield Text(_plain(f"  {name}: {fact}"))
    yield _summary(verdict)
    for baseline in verdict.baselines:
        for paired in baseline.differences:
            yield Text(f"model against {_plain(baseline.figures.name)}: {difference(paired)}")
    yield _tags(evaluation.tags, verdict=verdict)
    if evaluation.excluded:
        listed = ", ".join(map(_plain, evaluation.excluded))
        yield Text(f"not judged, since all tracks have them or none has: {listed}")
    for note in verdict.subject.notes:
        yield Text(_plain(note))


def _summary(verdict: Verdict) -> Table:
    table = _table("", "value", "95 % interval", "without a model")
    for baseline in verdict.baselines:
        table.add_column(Text(_plain(baseline.figures.name)), justify="right")
    for name in shown_metrics(verdict.figures):
        table.add_row(
            name,
            figure(verdict.figures.evaluation.summary[name]),
            interval(verdict.figures.intervals.get(name)),
            chance(name, verdict.figures),
            *(
                figure(baseline.figures.evaluation.summary.get(name))
                for baseline in verdict.baselines
            ),
        )
    return table


def _tags(tags: Sequence[TagMetrics], *, verdict: Verdict) -> Table:
    names = ["tag", "tracks", "precision", "recall", "F1", "ROC-AUC", "95 % interval", "PR-AUC"]
    best = {choice.tag: choice for choice in verdict.best}
    table = _table(*names, *(["threshold", "best F1"] if best else []))
    for name, tag in zip(short_names([tag.tag for tag in tags]), tags, strict=True):
        row = [
            _plain(name),
            f"{tag.num_positives:,}",
            *(figure(value) for value in (tag.precision, tag.recall, tag.f1, tag.roc_auc)),
            interval(verdict.figures.intervals.get(f"roc_auc/{tag.tag}")),
            figure(tag.pr_auc),
        ]
        if best:
            row += [f"{tag.threshold:.3f}", figure(best[tag.tag].f1)]
        table.add_row(*row)
    return table


def _table(*names: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for i, name in enumerate(names):
        table.add_column(name, justify="right" if i else "left", overflow="fold")
    return table


def _cost(best: float | None, now: float | None) -> str:
    return "" if best is None or now is None else f"{now - best:+.3f}"


def _plain(text: str) -> str:
    """Nothing that a terminal would obey: names come from files."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _text(parts: Iterator[RenderableType] | Sequence[RenderableType], *, width: int) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, highlight=False)
    for part in parts:
        console.print(part)
    return file.getvalue()
