"""Autoregressive models: the cache changes nothing but the work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.codec import HIDDEN
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.networks.transformer import Transformer, TransformerConfig
from limn.predictors.autoregressive import Autoregressive
from limn.samplers.decoding import Raster
from limn.samplers.next_token import NextToken

LEVEL = Level(0, 1, 1)
TOKENS = 16


class Counting(Transformer):
    """Counts the tokens it reads."""

    read = 0

    def forward(self, state: Tensor, *rest: object, **options: object) -> Tensor:
        self.read += state.numel()
        return super().forward(state, *rest, **options)  # type: ignore[arg-type]


def awake() -> Counting:
    torch.manual_seed(0)
    config = TransformerConfig(
        width=32, depth=2, heads=2, grid=4, vocabulary=8, text_width=6, text_limit=4, causal=True
    )
    network = Counting(config)
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


def conditioning(*texts: str) -> Conditioning:
    return Letters().encode([Ask(Prompt(text)) for text in texts])


def drawn(
    predictor: Autoregressive, *, scale: float = 1.0, ledger: Ledger | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Return the tokens of two pictures, and the guided logits they were drawn from."""
    part, answers = NextToken(), list[Tensor]()
    streams = Streams([1, 2])
    runner = Runner(
        predictor, Letters(), [Prompt("abc"), Prompt("d")], [ClassifierFree(scale=scale)], streams, ledger=ledger
    )

    def predict(step: object) -> Tensor:
        answers.append(runner(step))  # type: ignore[arg-type]
        return answers[-1]

    levels = Raster(tokens=TOKENS).levels(TOKENS, part)
    *_, last = part.walk(predict, torch.zeros(2, TOKENS), levels, streams)
    return last.x, answers


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_cached_equals_uncached_for_all_branches(scale: float) -> None:
    network = awake()
    with_cache, fast = drawn(Autoregressive(network=network), scale=scale)
    read = network.read
    without, slow = drawn(Autoregressive(network=network, cached=False), scale=scale)
    assert torch.equal(with_cache, without)
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    rows = 2 if scale == 1 else 4
    assert read == rows * TOKENS, "with the cache each token is read once"
    assert network.read - read == rows * TOKENS * (TOKENS + 1) / 2


def test_one_forward_a_token_whatever_the_guidance() -> None:
    plain, guided = Ledger(), Ledger()
    drawn(Autoregressive(network=awake()), ledger=plain)
    drawn(Autoregressive(network=awake()), scale=3.0, ledger=guided)
    assert (len(plain.forwards), plain.rows) == (TOKENS, 2 * TOKENS)
    assert (len(guided.forwards), guided.rows) == (TOKENS, 4 * TOKENS)


def test_the_ledger_counts_operations_and_the_cache_saves_most() -> None:
    cached, uncached = Ledger(), Ledger()
    network = awake()
    drawn(Autoregressive(network=network), ledger=cached)
    drawn(Autoregressive(network=network, cached=False), ledger=uncached)
    assert cached.flops == network.flops(2, 4, 1) + sum(
        network.flops(2, 4, 1, seen=4 + known) for known in range(1, TOKENS)
    )
    assert uncached.flops == sum(network.flops(2, 4, known + 1) for known in range(TOKENS))
    assert cached.flops < 0.2 * uncached.flops


def test_the_scale_reaches_the_model() -> None:
    predictor = Autoregressive(network=awake())
    assert not torch.equal(drawn(predictor, scale=1.0)[0], drawn(predictor, scale=4.0)[0])
    assert not torch.equal(drawn(predictor, scale=2.0)[0], drawn(predictor, scale=4.0)[0])


def test_only_the_first_undecided_token_is_answered_and_nothing_after_it_is_read() -> None:
    predictor, words = Autoregressive(network=awake(), cached=False), conditioning("ab")
    x = torch.full((1, TOKENS), HIDDEN)
    x[0, :3] = torch.tensor([4, 2, 6])
    answer = predictor(x, LEVEL, words, [None])
    assert answer.shape == (1, 1, 7)
    x[0, 9] = 5
    assert torch.equal(predictor(x, LEVEL, words, [None]), answer)
    whole = predictor.network(torch.tensor([[7, 4, 2, 6]]), None, words.tokens, words.mask)
    torch.testing.assert_close(answer, whole[:, -1:, :7])


def test_going_back_or_another_past_is_read_anew() -> None:
    fresh, words = Autoregressive(network=awake(), cached=False), conditioning("ab", "cd")
    kept = Autoregressive(network=awake())
    x = torch.full((2, TOKENS), HIDDEN)
    for known in (0, 1, 2, 5, 5, 3, 4):
        x = x.clone()
        x[:, :known] = torch.arange(known) % 7
        x[:, known:] = HIDDEN
        torch.testing.assert_close(
            kept(x, LEVEL, words, [None, None]), fresh(x, LEVEL, words, [None, None]), atol=1e-4, rtol=1e-4
        )
    x[1, 0] = 6
    x[:, 4] = 1
    torch.testing.assert_close(
        kept(x, LEVEL, words, [None, None]), fresh(x, LEVEL, words, [None, None]), atol=1e-4, rtol=1e-4
    )


class _Blind(AttentionEdit):
    """Attention that looks nowhere in particular."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite) -> Tensor:
        return value.mean(2, keepdim=True).expand_as(query)


def test_an_edited_past_is_not_taken_for_an_unedited_one() -> None:
    kept, fresh = Autoregressive(network=awake()), Autoregressive(network=awake(), cached=False)
    words, x = conditioning("ab"), torch.full((1, TOKENS), HIDDEN)
    kept(x, LEVEL, words, [_Blind()])
    x = x.clone()
    x[0, 0] = 3
    torch.testing.assert_close(kept(x, LEVEL, words, [None]), fresh(x, LEVEL, words, [None]), atol=1e-4, rtol=1e-4)


def test_nothing_is_kept_when_the_walk_is_over() -> None:
    predictor = Autoregressive(network=awake())
    drawn(predictor, scale=3.0)
    assert len(predictor._seen) == 0
