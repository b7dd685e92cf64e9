import torch
from torch import nn

from pipeline.training.norms import RunningStatistics
from pipeline.training.team import Alone


def test_the_parts_of_a_step_move_the_statistics_once_by_their_mean():
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm1d(3)).train()
    parts = [torch.randn(5, 3) + 1.0, torch.randn(5, 3) - 4.0]
    alone = []
    for part in parts:
        single = nn.BatchNorm1d(3).train()
        single(part)
        alone.append((single.running_mean, single.running_var))
    statistics = RunningStatistics(network)
    statistics.start_step()
    for part in parts:
        network(part)
        statistics.end_part()
    statistics.end_step(Alone())
    torch.testing.assert_close(network[0].running_mean, (alone[0][0] + alone[1][0]) / 2)
    torch.testing.assert_close(network[0].running_var, (alone[0][1] + alone[1][1]) / 2)


def test_a_network_without_batch_norm_is_left_alone():
    network = nn.Linear(2, 2)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    statistics = RunningStatistics(network)
    statistics.start_step()
    statistics.end_part()
    statistics.end_step(Alone())
    after = network.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
