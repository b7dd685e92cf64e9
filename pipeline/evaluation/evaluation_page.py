"""One HTML page about an evaluation: no server, no network, pictures as data URIs."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.evaluation.report import Picture
from pipeline.evaluation.verdict import Verdict
from pipeline.evaluation.verdict_text import chance, difference, figure, interval, shown_metrics


def render_evaluation(verdict: Verdict, *, pictures: Sequence[Picture]) -> str:
    """The page.

    Args:
        verdict: what it says.
        pictures: what it shows, in this order.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.evaluation", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "figure": lambda value: "not defined" if value is None else figure(value),
        "interval": interval,
        "difference": difference,
        "chance": lambda name: chance(name, verdict.figures),
    }
    return environment.get_template("evaluation.html").render(
        verdict=verdict,
        metrics=shown_metrics(verdict.figures),
        best={choice.tag: choice for choice in verdict.best},
        pictures=pictures,
    )
