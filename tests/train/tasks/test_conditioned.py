"""Streams: the network begins as the one it was made from, and learns nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import streams
from limn.data.split import unseen
from limn.kernel.errors import InputError
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE
from limn.networks.weights import load_state
from limn.testing import check_task
from limn.train.network import drawing_of, starting
from limn.train.recipe import Recipe
from limn.train.tasks.conditioned import NEAR, Conditioned
from limn.train.worlds.pictograms import pictograms_of


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return streams.conditioned(tmp_path_factory.mktemp("conditioned"))


class Started(Conditioned):
    """As a run begins: with the weights that ``init`` names."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        load_state(self.network, starting(recipe.init, self.network))


@pytest.fixture(scope="module")
def task(plan: Recipe) -> Conditioned:
    return Started(plan, "cpu")


def test_it_is_a_task(plan: Recipe) -> None:
    check_task(Started, plan)


def test_before_it_has_learned_it_answers_as_the_model_it_was_made_from(plan: Recipe, task: Conditioned) -> None:
    old, _, _ = drawing_of(plan.init, "cpu")
    batch, given = task.rows(0)
    text, mask = task.text(batch.ids, batch.mask)
    x, time = torch.randn(batch.clean.shape), torch.rand(len(batch.clean))
    with torch.no_grad():
        assert torch.equal(task.network(x, time, text, mask, streams=given), old(x, time, text, mask))


def test_only_streams_learn(task: Conditioned) -> None:
    task.network.zero_grad()
    task.loss(0).backward()  # type: ignore[no-untyped-call]
    learned = [name for name, weight in task.network.named_parameters() if weight.grad is not None]
    assert learned
    assert all(name.startswith("streams.") for name in learned)


def test_a_row_has_one_stream_and_pictures_have_no_words(task: Conditioned) -> None:
    counts = torch.zeros(3)
    for step in range(12):
        batch, given = task.rows(step)
        there = torch.stack([given[kind][1].sum(1) > 0 for kind in (PICTURE, NEIGHBOUR, EMBEDDING)], 1)
        assert bool((there.sum(1) <= 1).all())
        counts += there.sum(0)
        assert not batch.mask[there[:, 0]].any()
    assert bool((counts > 0).all())


def test_neighbours_are_the_same_thing_and_no_copies(task: Conditioned) -> None:
    source = task.world.train
    small = source.on().astype(np.float32) / 255
    for place, others in enumerate(task.known.others):
        assert place not in others
        for other in others:
            assert source.columns["codepoint"][place] == source.columns["codepoint"][other]
            assert float(np.sqrt(np.square(small[place] - small[other]).mean())) >= NEAR


def test_concepts_are_held_out_in_every_style(plan: Recipe) -> None:
    every = set(pictograms_of(plan).columns["label"])
    shown = set(pictograms_of(replace(plan, data=replace(plan.data, unseen=0.4))).columns["label"])
    assert shown == {label for label in every if not unseen(label, 0.4)}
    assert 0 < len(shown) < len(every)


def test_what_does_not_fit_is_refused(plan: Recipe) -> None:
    with pytest.raises(InputError, match="plain pictograms"):
        Conditioned(replace(plan, data=replace(plan.data, scenes=0.1)), "cpu")
    with pytest.raises(InputError, match="at most 1 together"):
        Conditioned(replace(plan, objective={**plan.objective, "pictures": 0.9, "embeddings": 0.2}), "cpu")
