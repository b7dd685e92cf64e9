"""What every worker of a training is told."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.audio.frontend import FrontendSpec
from pipeline.config_training import AugmentConfig, RecipeConfig
from pipeline.training.task import Task


@dataclass(frozen=True)
class Lesson:
    """What is learned, and how; the same for every worker.

    Attributes:
        architecture: of the network.
        parameters: what it is built with.
        frontend: of the mels.
        task: the tags and the loss.
        recipe: optimiser, schedule, steps.
        augment: what is done to chunks.
        chunk_frames: of a chunk.
        hop_frames: between the chunks by which tracks are judged.
    """

    architecture: str
    parameters: dict[str, int]
    frontend: FrontendSpec
    task: Task
    recipe: RecipeConfig
    augment: AugmentConfig
    chunk_frames: int
    hop_frames: int
