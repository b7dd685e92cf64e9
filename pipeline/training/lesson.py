"""What every worker of a training is told."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.audio.frontend import FrontendSpec
from pipeline.config_training import AugmentConfig, RecipeConfig
from pipeline.models.chunking import Chunking
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
        chunking: of the mels: how long a chunk is, and by which chunks tracks are judged.
    """

    architecture: str
    parameters: dict[str, int]
    frontend: FrontendSpec
    task: Task
    recipe: RecipeConfig
    augment: AugmentConfig
    chunking: Chunking
