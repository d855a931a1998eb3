"""Masked models through the runner: what is hidden, what guidance does, what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.codec import HIDDEN
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from limn.networks.transformer import Transformer, TransformerConfig
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking
from limn.samplers.unmask import Unmask

LEVEL = Level(0, 1, 1)


def awake(*, causal: bool = False) -> Transformer:
    torch.manual_seed(0)
    network = Transformer(
        TransformerConfig(
            width=32, depth=2, heads=2, grid=4, vocabulary=8, text_width=6, text_limit=4, causal=causal
        )
    )
    for each in network.parameters():
        torch.nn.init.normal_(each, std=0.3)
    return network.eval().requires_grad_(False)


class Letters:
    """Encodes each letter of a prompt as a random but fixed vector."""

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        table = torch.randn(128, 6, generator=torch.Generator().manual_seed(9))
        tokens, mask = torch.zeros(len(asks), 4, 6), torch.zeros(len(asks), 4, dtype=torch.bool)
        for row, ask in enumerate(asks):
            text = "" if "text" in ask.drop else ask.prompt.text
            for place, letter in enumerate(text[:4]):
                tokens[row, place], mask[row, place] = table[ord(letter)], True
        return Conditioning(tokens, mask)

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(k, k + 1) for k in range(len(text[:4]))]

    def unread(self, text: str) -> str:
        return text[4:]


def drawn(
    guidances: Sequence[Guidance], *, steps: int = 4, ledger: Ledger | None = None, **options: float
) -> Tensor:
    part = Unmask(**options)  # type: ignore[arg-type]
    runner = Runner(
        Masked(network=awake()), Letters(), [Prompt("ab"), Prompt("cd")], guidances, Streams([1, 2]), ledger=ledger
    )
    *_, last = part.walk(runner, torch.zeros(2, 16), Masking().levels(steps, part), Streams([1, 2]))
    return last.x


def test_hidden_tokens_are_asked_about_by_their_own_id() -> None:
    network = awake()
    predictor = Masked(network=network)
    words = Letters().encode([Ask(Prompt("ab"))])
    x = torch.tensor([[3, HIDDEN] * 8])
    logits = predictor(x, LEVEL, words, [None])
    assert logits.shape == (1, 16, predictor.classes) == (1, 16, 7)
    ids = torch.tensor([[3, 7] * 8])
    torch.testing.assert_close(logits, network(ids, None, words.tokens, words.mask)[..., :7])


def test_answers_are_float32_whatever_the_network() -> None:
    words = Letters().encode([Ask(Prompt("ab"))])
    half = Conditioning(words.tokens.bfloat16(), words.mask)
    predictor = Masked(network=awake().bfloat16())
    assert predictor(torch.full((1, 16), HIDDEN), LEVEL, half, [None]).dtype == torch.float32


def test_scale_one_is_no_guidance_and_asks_nothing_more() -> None:
    none, one = Ledger(), Ledger()
    assert torch.equal(drawn([], ledger=none), drawn([ClassifierFree(scale=1)], ledger=one))
    assert (none.rows, one.rows) == (8, 8)


def test_the_scale_reaches_the_model() -> None:
    ledger = Ledger()
    strong = drawn([ClassifierFree(scale=5)], ledger=ledger, temperature=0.0)
    assert not torch.equal(strong, drawn([], temperature=0.0))
    assert not torch.equal(strong, drawn([ClassifierFree(scale=2)], temperature=0.0))
    assert len(ledger.forwards) == 4, "one forward a step"
    assert ledger.rows == 16, "two rows for each of two pictures"


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_guidance_on_logits_is_that_on_log_probabilities(scale: float) -> None:
    """A constant added to a row's logits is none of its softmax, so either form gives one distribution."""
    random = torch.Generator().manual_seed(0)
    told, free = torch.randn(2, 5, 7, generator=random), torch.randn(2, 5, 7, generator=random)
    raw = free + scale * (told - free)
    log = free.log_softmax(-1) + scale * (told.log_softmax(-1) - free.log_softmax(-1))
    torch.testing.assert_close(raw.softmax(-1), log.softmax(-1))


def test_a_negative_prompt_takes_the_place_of_none() -> None:
    """(1 + t) c - t u, the form of the Muse paper, is u + s (c - u) with s = 1 + t."""
    network, scale = awake(), 3.0
    predictor = Masked(network=network)
    part = ClassifierFree(scale=scale, against="cd")
    step = Step(index=0, total=1, x=torch.full((1, 16), HIDDEN), level=LEVEL, next=Level(1, 0, 0))
    guided = Runner(predictor, Letters(), [Prompt("ab")], [part], Streams([0]))(step)
    told, against = (
        predictor(step.x, LEVEL, Letters().encode([Ask(Prompt(text))]), [None]) for text in ("ab", "cd")
    )
    torch.testing.assert_close(guided, scale * told - (scale - 1) * against, atol=1e-4, rtol=1e-4)


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    both = drawn([ClassifierFree(scale=3)])
    part = Unmask()
    for row, text in enumerate(["ab", "cd"]):
        runner = Runner(
            Masked(network=awake()), Letters(), [Prompt(text)], [ClassifierFree(scale=3)], Streams([row + 1])
        )
        *_, last = part.walk(runner, torch.zeros(1, 16), Masking().levels(4, part), Streams([row + 1]))
        assert torch.equal(last.x, both[[row]])
