"""One HTML page about what a network hears: no server, no network, nothing to install.

Everything is escaped by the template, pictures are data URIs.
"""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.evaluation.patches import PatchFacts
from pipeline.evaluation.report import Picture


@dataclass(frozen=True)
class LayerPart:
    """A layer's strongest patches.

    Attributes:
        layer: its name in the network.
        channels: how many are shown.
        silent: those of them that no track moves.
        picture: a row for each channel.
        patches: the same as a list.
    """

    layer: str
    channels: int
    silent: tuple[int, ...]
    picture: Picture
    patches: tuple[PatchFacts, ...]


@dataclass(frozen=True)
class ExplanationData:
    """All that stands on the page.

    Attributes:
        title: the heading.
        made_at: when, as it shall be read.
        facts: what was heard by what, by name.
        kernels: a picture for each convolution that reads the mel.
        layers: from the first to the last.
        track: the name of a track whose tags over time are shown; empty if none is.
        track_pictures: its mel and its tags over time.
    """

    title: str
    made_at: str
    facts: dict[str, str]
    kernels: tuple[Picture, ...]
    layers: tuple[LayerPart, ...]
    track: str
    track_pictures: tuple[Picture, ...]


def render_explanation(data: ExplanationData) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("pipeline.evaluation", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["clock"] = _clock
    return environment.get_template("explanation.html").render(data=data)


def _clock(seconds: float) -> str:
    """Minutes, seconds and tenths."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"
