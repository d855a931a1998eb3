from __future__ import annotations

import torch

import streams
from limn.networks.dual_encoder import DualEncoder
from limn.networks.interleaved import Interleaved
from limn.networks.token_embeddings import TokenVectors
from limn.testing import check_task
from limn.train.tasks.magma import Magma


def test_it_is_a_task() -> None:
    check_task(Magma, streams.recipe("magma"))


def test_it_begins_by_reading_captions_as_the_judge_does() -> None:
    task, words, judge = Magma(streams.recipe("magma"), "cpu"), TokenVectors(), DualEncoder.load("judge_a")
    texts = ["a red heart", "a cat in Noto style"]
    vectors, mask = words(texts)
    with torch.no_grad():
        network: Interleaved = task.network
        states = network(network.words(vectors * mask[..., None]), mask)
        own = network.pooled(states, mask)
    assert float((own * judge.read(words, texts)).sum(1).min()) > 0.999


def test_only_what_should_learns() -> None:
    for biases in (False, True):
        task = Magma(streams.recipe("magma", objective={"biases": biases}), "cpu")
        task.loss(0).backward()  # type: ignore[no-untyped-call]
        learns = {name for name, weight in task.network.named_parameters() if weight.grad is not None}
        own = {name for name in learns if name.startswith(("prefix", "cells", "adapters"))}
        assert {"prefix.weight", "adapters.0.down.weight"} <= own
        assert all(name.endswith("bias") for name in learns - own)
        assert bool(learns - own) == biases
