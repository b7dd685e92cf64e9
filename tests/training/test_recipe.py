import math

import pytest
import torch
from training_lessons import recipe

from pipeline.config_training import Precision
from pipeline.training.recipe import autocast_type, learning_rate, make_optimiser, phase


def rate(config, *, epoch, step, steps):
    now = phase(config, epoch=epoch, losses=[])
    return learning_rate(config, phase=now, epoch=epoch, step=step, steps=steps)


def test_adamw_rises_to_its_rate_and_falls_to_nothing():
    config = recipe(epochs=4, warmup_epochs=1, lr=0.1)
    rates = [
        rate(config, epoch=epoch, step=step, steps=10) for epoch in range(4) for step in range(10)
    ]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9] == rates[10] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[25] == pytest.approx(0.05)
    assert 0 < rates[-1] < 0.001


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert rate(recipe(warmup_epochs=0, lr=0.1), epoch=0, step=0, steps=3) == 0.1


def test_the_published_recipe_has_four_phases():
    config = recipe(kind="published", lr=1e-4, epochs=200)
    phases = [
        phase(config, epoch=epoch, losses=[]) for epoch in (0, 79, 80, 99, 100, 119, 120, 199)
    ]
    assert [(now.optimiser, now.lr) for now in phases] == [
        ("adam", 1e-4),
        ("adam", 1e-4),
        ("sgd", 1e-3),
        ("sgd", 1e-3),
        ("sgd", 1e-4),
        ("sgd", 1e-4),
        ("sgd", 1e-5),
        ("sgd", 1e-5),
    ]
    assert [now.number for now in phases] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert rate(config, epoch=85, step=3, steps=9) == 1e-3


def test_musicnns_recipe_halves_its_rate_on_each_plateau_and_keeps_its_weights():
    config = recipe(kind="musicnn", lr=1e-3, epochs=600)
    falling, flat = [1.0, 0.9, 0.8], [0.8] * 74
    phases = [
        phase(config, epoch=len(losses), losses=losses)
        for losses in (
            [],
            [*falling, *flat],
            [*falling, *flat, 0.8],
            [*falling, *flat, 0.7, *flat],
            [*falling, *[0.9] * 150],
        )
    ]
    assert [now.lr for now in phases] == [1e-3, 1e-3, 5e-4, 1e-3, 2.5e-4]
    assert {(now.number, now.optimiser) for now in phases} == {(0, "adam")}


def test_the_optimisers_are_those_of_the_phases():
    config = recipe(kind="published", weight_decay=1e-4)
    weights = [torch.nn.Parameter(torch.zeros(1))]
    adam = make_optimiser(weights, phase=phase(config, epoch=0, losses=[]), recipe=config)
    sgd = make_optimiser(weights, phase=phase(config, epoch=80, losses=[]), recipe=config)
    assert isinstance(adam, torch.optim.Adam)
    assert adam.defaults["weight_decay"] == 1e-4
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.9, True)
    assert math.isclose(sgd.defaults["weight_decay"], 1e-4)


def test_bf16_is_taken_where_it_is_asked_for_and_not_guessed_on_a_cpu():
    cpu = torch.device("cpu")
    assert autocast_type(Precision.BF16, device=cpu) is torch.bfloat16
    assert autocast_type(Precision.AUTO, device=cpu) is None
    assert autocast_type(Precision.FLOAT32, device=cpu) is None
