from __future__ import annotations

import pytest
import torch

import streams
from limn.kernel.errors import InputError
from limn.testing import check_task
from limn.train.tasks.translator import Translator


def test_it_is_a_task() -> None:
    check_task(Translator, streams.recipe("translator"))


def test_what_it_learns_is_standardised_by_statistics_that_it_keeps() -> None:
    task = Translator(streams.recipe("translator"), "cpu")
    standard = task.network.standard(task.images)
    torch.testing.assert_close(standard.mean(0), torch.zeros(128), atol=1e-4, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(128), atol=1e-3, rtol=0)
    torch.testing.assert_close(task.network.plain(standard), task.images, atol=1e-5, rtol=0)
    assert {"stats", "text_stats"} <= task.network.state_dict().keys()


def test_a_map_at_once_is_no_step_of_a_diffusion() -> None:
    with pytest.raises(InputError, match=r"network.noisy: set it to false"):
        Translator(streams.recipe("translator", network={"noisy": True}), "cpu")
