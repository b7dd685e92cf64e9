"""What people see of a training: a line an epoch, its numbers, its pictures."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metric_plots import Bar, bars_picture, confusion_picture, curves_picture
from pipeline.evaluation.metrics import evaluate
from pipeline.evaluation.precision_recall_plot import precision_recall_picture
from pipeline.evaluation.thresholds import NEVER, Choice
from pipeline.training.state import EpochFacts, State


def epoch_line(facts: EpochFacts, *, epochs: int) -> str:
    """For example `epoch 3 of 20: loss 0.812, validation loss 0.901, accuracy 0.643, ...`."""
    judged = ", ".join(f"{name} {value:.3f}" for name, value in facts.metrics.items())
    return (
        f"epoch {facts.epoch + 1} of {epochs}: train loss {facts.train_loss:.3f}; validation "
        f"{judged}; {facts.chunks_a_second:.0f} chunks/s, "
        f"{100 * facts.waiting_s / max(facts.seconds, 1e-9):.0f} % waiting for data"
    )


def epoch_numbers(facts: EpochFacts) -> dict[str, float]:
    """An epoch's figures by name."""
    return {
        "train_loss": facts.train_loss,
        "lr": facts.lr,
        "chunks_a_second": facts.chunks_a_second,
        "waiting_share": facts.waiting_s / max(facts.seconds, 1e-9),
    } | {f"validation_{name}": value for name, value in facts.metrics.items()}


def threshold_lines(choices: Sequence[Choice]) -> list[str]:
    """Each tag's threshold and what it costs, on validation."""
    lines = ["threshold  precision  recall     F1  positives  tag"]
    for choice in choices:
        figures = (choice.precision, choice.recall, choice.f1)
        cells = [" - " if value is None else f"{value:.3f}" for value in figures]
        at = "never" if choice.threshold >= NEVER else f"{choice.threshold:.3f}"
        lines.append(
            f"{at:>9}  {cells[0]:>9}  {cells[1]:>6}  {cells[2]:>5}  {choice.num_positives:>9,}  "
            f"{choice.tag}" + ("" if choice.reached else "  (not reached)")
        )
    return lines


def pictures(state: State, *, validation: Labelled) -> dict[str, bytes]:
    """PNGs by file name: the losses, and what the best weights do on validation."""
    losses = {
        "train": [(facts.epoch + 1.0, facts.train_loss) for facts in state.history],
        "validation": [(facts.epoch + 1.0, facts.metrics["loss"]) for facts in state.history],
    }
    found = evaluate(validation)
    bars = [Bar(tag.tag, tag.f1) for tag in found.tags]
    drawn = {
        "loss.png": curves_picture(losses, title="Loss", x="epoch", y="loss"),
        "f1.png": bars_picture(bars, title="F1 a tag, validation", unit="F1"),
        "precision_recall.png": precision_recall_picture(
            validation, title="Precision and recall, validation"
        ),
    }
    if found.confusion_KK is not None:
        drawn["confusion.png"] = confusion_picture(
            found.confusion_KK, tags=validation.tags, title="Confusion, validation"
        )
    return drawn
