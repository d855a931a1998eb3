"""Training of tokens: what is hidden, what is minimised, and that tokens are learned."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import limn.models
from limn.kernel.errors import InputError
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse, read
from limn.train.tasks.masked import hide, hiding_rates, masked_loss

VQ_FIELDS: dict[str, Any] = {
    "name": "vq", "task": "vq", "data": {"world": "shapes"}, "precision": "float32",
    "network": {"codes": 16, "code_width": 4, "widths": [16, 16, 16], "blocks": [1, 1, 1]},
    "optimiser": {"batch": 4, "lr": 0.005}, "schedule": {"steps": 6, "warmup": 1},
    "saving": {"steps": 100, "sheet_minutes": 0.0},
}  # fmt: skip


def recipe(task: str, folder: Path) -> Recipe:
    return parse(
        {
            **VQ_FIELDS, "name": task, "task": task, "data": {"world": "shapes", "autoencoder": str(folder)},
            "network": {
                "width": 16, "depth": 1, "heads": 2, "channels": 1, "grid": 4, "vocabulary": 17, "text_width": 128,
                "causal": task == "autoregressive",
            },
            "saving": {"steps": 100, "sheet_minutes": 0.0, "prompts": ["a red circle"]},
        }
    )  # fmt: skip


def run(made: Recipe, out: Path) -> dict[str, float]:
    *_, last = train(made, out, device="cpu")
    return dict(last.scores)


def test_hiding_rates_are_arccos_distributed() -> None:
    """The density (2 / pi) / sqrt(1 - r^2) has the mean 2 / pi and the distribution (2 / pi) arcsin r."""
    rates = hiding_rates(20_000, torch.Generator().manual_seed(0)).sort().values
    assert rates.mean().item() == pytest.approx(2 / math.pi, abs=0.01)
    expected = torch.asin(rates) * (2 / math.pi)
    assert (expected - torch.arange(20_000) / 20_000).abs().max() < 0.012, "Kolmogorov-Smirnov, p above 0.005"


def test_at_least_one_token_is_hidden_and_places_are_fair() -> None:
    hidden = hide(20_000, 10, torch.Generator().manual_seed(1))
    assert hidden.sum(1).min() == 1
    assert hidden.sum(1).max() == 10
    torch.testing.assert_close(hidden.float().mean(0), torch.full((10,), 0.64), atol=0.02, rtol=0)


def test_only_hidden_tokens_count_and_they_are_not_seen() -> None:
    ids = torch.tensor([[3, 1, 2], [0, 2, 2]])
    hidden = torch.tensor([[True, False, False], [False, True, True]])
    seen = list[Tensor]()
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))

    def network(tokens: Tensor) -> Tensor:
        seen.append(tokens)
        return logits

    loss = masked_loss(network, ids, hidden, 4)
    assert seen[0].tolist() == [[4, 1, 2], [0, 4, 4]]
    log = logits[..., :4].log_softmax(-1)
    assert loss.item() == pytest.approx(-(log[0, 0, 3] + log[1, 1, 2] + log[1, 2, 2]).item() / 3)
    certain = F.one_hot(ids, 5) * 50.0
    assert masked_loss(lambda tokens: certain, ids, hidden, 4) < 1e-6


def test_tokens_are_learned_exported_and_drawn(tmp_path: Path) -> None:
    scores = run(parse(VQ_FIELDS), tmp_path / "vq")
    assert scores.keys() == {"psnr", "perplexity", "used"}
    assert 0 < scores["used"] <= 1 <= scores["perplexity"] <= 16
    for task, family in (("masked", "unmask"), ("autoregressive", "next_token")):
        assert run(recipe(task, tmp_path / "vq"), tmp_path / task)["loss"] > 0
        export(tmp_path / task, tmp_path / "model" / task, defaults={"batch": 2})
        generator = limn.models.load(tmp_path / "model" / task)
        assert generator.request("a").record()["sampler"]["name"] == family
        assert generator.generate("a red circle")[0].pixels.shape == (32, 32, 3)


@pytest.mark.slow
def test_one_tokenizer_may_serve_two_models(tmp_path: Path) -> None:
    run(parse(VQ_FIELDS), tmp_path / "vq")
    run(recipe("masked", tmp_path / "vq"), tmp_path / "muse")
    run(recipe("autoregressive", tmp_path / "vq"), tmp_path / "parti")
    export(tmp_path / "muse", tmp_path / "out" / "muse")
    export(tmp_path / "parti", tmp_path / "out" / "parti")
    whole = limn.models.load(tmp_path / "out" / "parti").generate("a red circle")[0].pixels
    export(tmp_path / "parti", tmp_path / "out" / "parti", tokens_of="muse")
    assert not (tmp_path / "out" / "parti" / "vq.safetensors").exists()
    assert (limn.models.load(tmp_path / "out" / "parti").generate("a red circle")[0].pixels == whole).all()
    other = {**VQ_FIELDS, "seed": 1}
    run(parse(other), tmp_path / "other")
    run(recipe("masked", tmp_path / "other"), tmp_path / "second")
    with pytest.raises(InputError, match="other tokens than this model's"):
        export(tmp_path / "second", tmp_path / "out" / "second", tokens_of="muse")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    run(parse(VQ_FIELDS), tmp_path / "vq")
    good = recipe("masked", tmp_path / "vq")
    for changes, message in [
        ({"data": dataclasses.replace(good.data, autoencoder="")}, "name the folder"),
        ({"network": {**good.network, "vocabulary": 16}}, "vocabulary = 17"),
        ({"network": {**good.network, "causal": True}}, "causal = false"),
        ({"task": "autoregressive"}, "causal = true"),
    ]:
        with pytest.raises(InputError, match=message):
            next(iter(train(dataclasses.replace(good, **changes), tmp_path / "out", device="cpu")))


@pytest.mark.parametrize(
    "name",
    [
        "flow_shapes",
        "vq",
        "vq_fine",
        "vq_shapes",
        "vq_shapes_fine",
        "muse",
        "muse_shapes",
        "parti",
        "parti_shapes",
    ],
)
def test_shipped_recipes_are_sound(name: str) -> None:
    assert read(Path(name)).name == name
