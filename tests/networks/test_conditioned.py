from __future__ import annotations

from typing import Any

import pytest
import torch

from limn.kernel.errors import LimnError
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE, ConditionedConfig, ConditionedTransformer

SHAPE = {"width": 16, "depth": 2, "heads": 2, "channels": 3, "grid": 4, "text_width": 8, "early": 1}
GIVEN = {"picture_width": 6, "embedding_width": 5}


def network() -> ConditionedTransformer:
    torch.manual_seed(0)
    made = ConditionedTransformer(ConditionedConfig(**SHAPE, **GIVEN))
    for weight in (made.head.weight, made.streams.pool.weight, *(block.out.weight for block in made.streams.blocks)):
        torch.nn.init.normal_(weight)  # type: ignore[arg-type]
    for weight in made.parameters():  # gates begin closed
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    return made.eval()


def asked(rows: int = 2) -> tuple[Any, ...]:
    return torch.randn(rows, 3, 4, 4), torch.rand(rows), torch.randn(rows, 3, 8), torch.ones(rows, 3).bool()


def streams(rows: int = 2) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return {
        PICTURE: (torch.randn(rows, 7, 6), torch.ones(rows, 7)),
        NEIGHBOUR: (torch.randn(rows, 4, 64), torch.ones(rows, 4)),
        EMBEDDING: (torch.randn(rows, 1, 5), torch.ones(rows, 1)),
    }


@pytest.mark.parametrize("kind", [PICTURE, NEIGHBOUR, EMBEDDING])
def test_weight_0_takes_a_stream_away_exactly(kind: str) -> None:
    made, given, beside = network(), asked(), streams()
    with torch.no_grad():
        plain = made(*given)
        full = made(*given, streams={kind: beside[kind]})
        none = made(*given, streams={kind: (beside[kind][0], torch.zeros_like(beside[kind][1]))})
    assert torch.equal(none, plain)
    assert not torch.allclose(full, plain, atol=1e-3)


def test_streams_are_sets_and_padding_changes_nothing() -> None:
    made, given, (vectors, counts) = network(), asked(), streams()[PICTURE]
    with torch.no_grad():
        plain = made(*given, streams={PICTURE: (vectors, counts)})
        turned = made(*given, streams={PICTURE: (vectors.flip(1), counts)})
        padded = made(
            *given,
            streams={
                PICTURE: (torch.nn.functional.pad(vectors, (0, 0, 0, 3)), torch.nn.functional.pad(counts, (0, 3)))
            },
        )
    torch.testing.assert_close(turned, plain)
    torch.testing.assert_close(padded, plain)


def test_words_count_as_much_as_their_weights() -> None:
    made, (x, time, text, mask) = network(), asked()
    with torch.no_grad():
        plain = made(x, time, text, mask)
        assert torch.equal(made(x, time, text, mask.float()), plain)
        torch.testing.assert_close(
            made(x, time, text, torch.tensor([[1.0, 1.0, 0.0]] * 2)), made(x, time, text[:, :2], mask[:, :2])
        )
        none = made(x, time, text, torch.zeros(2, 3))
        assert torch.equal(none, made(x, time, text, torch.zeros(2, 3).bool()))
        gaps = [float((made(x, time, text, torch.full((2, 3), w)) - none).norm()) for w in (1e-4, 0.1, 0.5, 1.0)]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.05 * gaps[-1]


def test_neighbours_are_read_without_noise_and_do_not_depend_on_each_other() -> None:
    made, clean = network(), torch.randn(3, 3, 4, 4)
    with torch.no_grad():
        together, alone = made.neighbours(clean), made.neighbours(clean[1:2])
    assert together.shape == (3, 4, 64)
    torch.testing.assert_close(together[1:2], alone)


def test_a_shape_that_cannot_be_is_refused() -> None:
    for wrong in ({"early": 3}, {"grid": 5}, {"spread": 0}):
        with pytest.raises(LimnError):
            ConditionedConfig(**{**SHAPE, **GIVEN, **wrong})
