"""Batch norm over the parts of a step, whoever computes them.

Each part of a step is normalised by its own mean and variance, on one worker or on many. The
running statistics, which evaluation uses, move once a step by the mean of what the parts would have
done to them. torch's own way depends on who does what: parts that follow each other on one worker
move them twice, and DDP keeps the first worker's. SyncBatchNorm makes one batch of all parts, and
refuses CPU tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.training.team import Team


class RunningStatistics:
    """The running means and variances of a network, as one vector."""

    def __init__(self, network: nn.Module) -> None:
        self._buffers = [
            buffer
            for module in network.modules()
            if isinstance(module, _BatchNorm)
            for buffer in (module.running_mean, module.running_var)
            if buffer is not None
        ]
        self._before = self._read()
        self._sum = torch.zeros_like(self._before)
        self._parts = 0

    def start_step(self) -> None:
        """Remembers where they stand."""
        self._before = self._read()
        self._sum.zero_()
        self._parts = 0

    def end_part(self) -> None:
        """Takes what a part did to them, and puts them back for the next."""
        self._sum += self._read()
        self._parts += 1
        self._write(self._before)

    def end_step(self, team: Team) -> None:
        """Moves them by the mean over all parts of the team."""
        if self._buffers:
            self._write(team.mean(self._sum / self._parts))

    def _read(self) -> Tensor:
        if not self._buffers:
            return torch.zeros(0)
        return torch.cat([buffer.flatten() for buffer in self._buffers])

    def _write(self, values: Tensor) -> None:
        start = 0
        for buffer in self._buffers:
            buffer.copy_(values[start : start + buffer.numel()].view_as(buffer))
            start += buffer.numel()
