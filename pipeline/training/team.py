"""The workers that train together: one alone, or a torch.distributed group."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class Team(Protocol):
    """What the loop asks of its fellow workers."""

    rank: int
    size: int

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are averaged over the team."""

    def own_gradients(self, network: nn.Module) -> AbstractContextManager[object]:
        """While it is open, gradients add up here and are not exchanged."""

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the team."""

    def total(self, values: Tensor) -> Tensor:
        """The sum over the team."""


class Alone:
    """One worker, without any other."""

    rank, size = 0, 1

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network itself."""
        return network

    def own_gradients(self, network: nn.Module) -> AbstractContextManager[object]:
        """Nothing is ever exchanged."""
        return nullcontext()

    def mean(self, values: Tensor) -> Tensor:
        """The values themselves."""
        return values

    def total(self, values: Tensor) -> Tensor:
        """The values themselves."""
        return values


class Distributed:
    """A worker of the process group that is initialised."""

    def __init__(self, *, device: torch.device) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._device = device

    def wrap(self, network: nn.Module) -> nn.Module:
        """DDP. Buffers are not sent round: the loop averages the statistics of batch norms."""
        devices = [self._device.index or 0] if self._device.type == "cuda" else None
        return DistributedDataParallel(
            network,
            device_ids=devices,
            broadcast_buffers=False,
            gradient_as_bucket_view=True,
        )

    def own_gradients(self, network: nn.Module) -> AbstractContextManager[object]:
        """DDP's no_sync."""
        context: AbstractContextManager[object] = network.no_sync()  # type: ignore[operator]
        return context

    def mean(self, values: Tensor) -> Tensor:
        """All-reduce and divide."""
        return self.total(values) / self.size

    def total(self, values: Tensor) -> Tensor:
        """All-reduce."""
        values = values.clone()
        dist.all_reduce(values)
        return values
