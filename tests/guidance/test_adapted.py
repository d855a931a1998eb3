"""Adapters on all rows or on those of a part of the picture, in one forward, equal to forwards of their own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from limn.guidance.adapted import Adapted
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.mixture import Mixture
from limn.kernel.adapter import Adapter
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.prompt import Prompt, Region
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from limn.networks.low_rank import LowRank, Product
from toys import Words

LEFT = Region(words="a cat", box=(0, 0, 0.5, 1), adapter="one")
RIGHT = Region(words="a dog", box=(0.5, 0, 1, 1), adapter="two")


class Line:
    """Answers each pixel by a matrix of its channels and the words, in float64."""

    space = "clean"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Conv2d(6, 3, 1).double().requires_grad_(False)

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        words = (conditioning.tokens * conditioning.mask[..., None]).sum(1).double()[:, :3, None, None]
        answer: Tensor = self.network(torch.cat([x, words.expand(-1, -1, *x.shape[2:])], 1))
        return answer


PREDICTOR = Line()


def change(seed: int) -> LowRank:
    random = torch.Generator().manual_seed(seed)
    down, up = (torch.randn(*shape, 1, 1, generator=random).double() for shape in ((2, 6), (3, 2)))
    return LowRank({PREDICTOR.network: Product(down=down, up=up)})


ADAPTERS: dict[str, Adapter] = {"one": change(1), "two": change(2)}


def answered(prompts: Sequence[Prompt], *parts: Guidance, ledger: Ledger | None = None) -> Tensor:
    runner = Runner(
        PREDICTOR, Words(), prompts, parts, Streams([0] * len(prompts)), adapters=ADAPTERS, ledger=ledger
    )
    x = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    level = Level(0.6, 0.8, 0.5)
    return runner(Step(index=0, total=4, x=x.expand(len(prompts), -1, -1, -1), level=level, next=level))


def alone(prompt: Prompt, *names: str, scale: float = 3.0) -> Tensor:
    """Answer with weights that are changed for the whole forward."""
    with torch.no_grad():
        kept = PREDICTOR.network.weight.clone()
        for name in names:
            (update,) = ADAPTERS[name].updates.values()  # type: ignore[attr-defined]
            PREDICTOR.network.weight += torch.einsum("orhw,rihw->oihw", update.up, update.down)
        answer = answered([Prompt(prompt.text)], ClassifierFree(scale=scale))
        PREDICTOR.network.weight.copy_(kept)
    return answer


def test_every_question_is_answered_by_the_changed_model() -> None:
    prompt, ledger = Prompt("a cat and a dog"), Ledger()
    found = answered([prompt], Adapted(adapter=("one",)), ClassifierFree(scale=3.0), ledger=ledger)
    torch.testing.assert_close(found, alone(prompt, "one"))
    assert [(forward.rows, forward.carried) for forward in ledger.forwards] == [(2, ("one",))]
    torch.testing.assert_close(answered([prompt], Adapted(), ClassifierFree(scale=3.0)), alone(prompt))
    assert (found - alone(prompt)).abs().max() > 0.1


def test_several_add_up_in_any_order() -> None:
    prompt = Prompt("a cat")
    first, second = Adapted(adapter=("one", "two")), Adapted(adapter=("two", "one"))
    assert first == second
    found = answered([prompt], first, ClassifierFree(scale=3.0))
    torch.testing.assert_close(found, alone(prompt, "one", "two"))
    with pytest.raises(InputError, match=r"a\.safetensors is given twice"):
        Adapted(adapter=("a.safetensors", "a.safetensors:0.5"))


def test_parts_of_the_picture_carry_their_own_in_one_forward() -> None:
    prompt, ledger = Prompt("a cat and a dog", regions=(LEFT, RIGHT)), Ledger()
    plain = Prompt("a fish")
    parts = Adapted(parts_of=("one", "two")), ClassifierFree(scale=3.0)
    found = answered([prompt, plain], *parts, ledger=ledger)
    torch.testing.assert_close(found[:1, :, :, :2], alone(prompt, "one")[..., :2])
    torch.testing.assert_close(found[:1, :, :, 2:], alone(prompt, "two")[..., 2:])
    torch.testing.assert_close(found[1:], alone(plain))
    assert [(forward.rows, forward.carried) for forward in ledger.forwards] == [(8, ("one", "two"))]


def test_outside_all_parts_the_model_is_as_loaded_and_shares_are_even_where_they_overlap() -> None:
    both = (
        Region(words="a", box=(0, 0, 0.5, 1), adapter="one"),
        Region(words="a", box=(0.25, 0, 0.5, 1), adapter="two"),
    )
    prompt = Prompt("a cat", regions=both)
    found = answered([prompt], Adapted(parts_of=("one", "two")), ClassifierFree(scale=3.0))
    one, two = alone(prompt, "one"), alone(prompt, "two")
    torch.testing.assert_close(found[..., 0], one[..., 0])
    torch.testing.assert_close(found[..., 1], (one[..., 1] + two[..., 1]) / 2)
    torch.testing.assert_close(found[..., 2:], alone(prompt)[..., 2:])


def test_a_part_is_the_whole_picture_and_a_negative_prompt_is_asked_there_too() -> None:
    everywhere = Region(words="a cat", adapter="one")
    prompt, negative = Prompt("a cat", regions=(everywhere,)), ClassifierFree(scale=3.0, against="fog")
    torch.testing.assert_close(
        answered([prompt], Adapted(parts_of=("one",)), negative),
        answered([prompt], Adapted(adapter=("one",)), negative),
    )


def test_questions_to_a_changed_model_carry_the_adapter_besides() -> None:
    mixture = Mixture(model=("two",), v=0.25, until=1.0)
    found = answered([Prompt("a cat")], Adapted(adapter=("one",)), mixture, ClassifierFree(scale=1.0))
    one, both = (alone(Prompt("a cat"), *names, scale=1.0) for names in (("one",), ("one", "two")))
    torch.testing.assert_close(found, 0.25 * one + 0.75 * both)


def test_what_rows_cannot_carry_is_refused() -> None:
    with pytest.raises(InputError, match=r"three.* is no change that rows can carry"):
        answered([Prompt("a")], Adapted(adapter=("three",)))
