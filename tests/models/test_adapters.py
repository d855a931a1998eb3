"""A second model that is a low-rank change to the first: its questions join the first one's forward."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from learned_files import low_rank_of
from limn import models, studio
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.mixture import Mixture
from limn.guidance.structured import Structured
from limn.io.files import sha256_of
from limn.kernel.adapter import Adapter
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator, Progress
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from limn.networks.low_rank import LowRank
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.weights import write_tensors
from limn.store import Store
from toys import Words

STEP = Step(index=0, total=4, x=torch.zeros(0), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))
LINEAR = ("qkv", "out", "up", "down", "modulation", "embed")
UNET = ("to_q", "to_v", "conv1", "proj_in")


def low_rank(network: nn.Module, endings: Sequence[str], path: Path, *, seed: int = 0, prefix: str = "") -> Path:
    """Write a random change of rank 2 to some layers of a network."""
    random, tensors = torch.Generator().manual_seed(seed), {}
    for name, layer in network.named_modules():
        if name.rpartition(".")[2] in endings:
            assert isinstance(layer, nn.Linear | nn.Conv2d)
            out, *ins = layer.weight.shape
            tensors[f"{prefix}{name}.lora_A.weight"] = 0.3 * torch.randn(2, *ins, generator=random)
            ends = (1, 1) if len(ins) > 1 else ()
            tensors[f"{prefix}{name}.lora_B.weight"] = 0.3 * torch.randn(out, 2, *ends, generator=random)
    write_tensors(path, tensors)
    return path


def build_native(folder: Path) -> Path:
    """Write a small model of pixels whose random weights answer something."""
    torch.manual_seed(0)
    network = Transformer(
        TransformerConfig(width=32, depth=2, heads=2, text_width=128, channels=3, grid=16, patch=4)
    )
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    write_tensors(folder / "model.safetensors", network.state_dict())
    config = {"family": "native", "size": 16, "transformer": asdict(network.config), "steps": 4}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion folder with random weights."""
    pytest.importorskip("diffusers")
    from tiny_stable_diffusion import build

    return build(tmp_path_factory.mktemp("tiny"))


class Alone:
    """An adapter that rows cannot carry, so that it gets a forward of its own."""

    def __init__(self, adapter: LowRank) -> None:
        self.adapter = adapter

    @contextmanager
    def on(self, predictor: Predictor) -> Iterator[Predictor]:
        with self.adapter.on(predictor) as changed:
            yield changed


class Double:
    """A transformer of pictures in float64, without noise levels."""

    space = "clean"

    def __init__(self) -> None:
        torch.manual_seed(0)
        shape = TransformerConfig(width=16, depth=2, heads=2, channels=3, grid=8, patch=2, text_width=3)
        self.network = Transformer(shape)
        for parameter in self.network.parameters():
            nn.init.normal_(parameter, std=0.3)
        self.network.double().requires_grad_(False)

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        answer: Tensor = self.network(x, None, conditioning.tokens.double(), conditioning.mask)
        return answer


def answered(
    predictor: Predictor, adapters: dict[str, Adapter], *, max_rows: int | None = None
) -> tuple[Tensor, Ledger]:
    """Answer a step of two pictures with two adapters and classifier-free guidance."""
    ledger, streams = Ledger(), Streams([0, 1])
    part = Mixture(model=("one", "two"), prompt=("a cat", "a dog"), v=0.4, weights=(2.0, 1.0))
    runner = Runner(
        predictor, Words(), [Prompt("a heart"), Prompt("a moon")], [part, ClassifierFree(scale=3.0)], streams,
        adapters=adapters, max_rows=max_rows, ledger=ledger,
    )  # fmt: skip
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return runner(Step(index=0, total=4, x=x, level=STEP.level, next=STEP.next)), ledger


@pytest.mark.parametrize("max_rows", [None, 1, 2, 3, 5])
def test_rows_with_and_without_changes_share_one_forward_exactly(max_rows: int | None, tmp_path: Path) -> None:
    predictor = Double()
    adapters = {
        name: low_rank_of(
            low_rank(predictor.network, LINEAR, tmp_path / f"{name}.safetensors", seed=seed), predictor.network
        )
        for seed, name in enumerate(("one", "two"))
    }
    found, ledger = answered(predictor, dict(adapters), max_rows=max_rows)
    wanted, apart = answered(predictor, {name: Alone(each) for name, each in adapters.items()})
    plain, _ = answered(predictor, dict.fromkeys(adapters, LowRank({})))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    assert (found - plain).abs().max() > 1e-3, "the changes have a say"
    assert [(each.adapter, each.rows) for each in apart.forwards] == [(None, 4), ("one", 2), ("two", 2)]
    assert sum(each.rows for each in ledger.forwards) == 8
    assert all(each.adapter is None and each.carried == ("one", "two") for each in ledger.forwards)
    assert all(each.weights == "as loaded + one + two" for each in ledger.forwards)
    assert len(ledger.forwards) == -(-8 // (max_rows or 8))


def test_neighbours_are_untouched_and_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    predictor = Double()
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = Words().encode([Ask(Prompt(text)) for text in ("a heart", "a moon", "a cat")])
    path = low_rank(predictor.network, LINEAR, tmp_path / "a.safetensors")
    adapter = low_rank_of(path, predictor.network)
    before = predictor(x, STEP.level, rows, ())
    with adapter.among([1]):
        mixed = predictor(x, STEP.level, rows, ())
    assert torch.equal(mixed[[0, 2]], before[[0, 2]])
    with adapter.on(predictor):
        torch.testing.assert_close(mixed[1], predictor(x, STEP.level, rows, ())[1], rtol=1e-12, atol=1e-12)
    assert torch.equal(predictor(x, STEP.level, rows, ()), before)


def walk(generator: Generator, *guidance: Guidance, ledger: Ledger | None = None, **options: Any) -> Tensor:
    request = generator.request("a red heart", guidance=guidance, steps=2, **options)
    events = generator.draw(request, ledger=ledger)
    return [event.state.x for event in events if isinstance(event, Progress)][-1]


@pytest.fixture(params=["native", "stable diffusion"])
def drawing(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Generator, Path]:
    """A model's folder, the model, and a change to it."""
    folder = tmp_path / "model"
    folder.mkdir()
    if request.param == "native":
        generator = models.load(build_native(folder))
        prefix, endings = "base_model.model.", LINEAR
    else:
        folder = request.getfixturevalue("checkpoint")
        generator = models.load(folder)
        prefix, endings = "unet.", UNET
    network = generator.stages[0].predictor.network.module  # type: ignore[attr-defined]
    return folder, generator, low_rank(network, endings, tmp_path / "tuned.safetensors", prefix=prefix)


def test_a_file_is_drawn_with_in_one_forward_recorded_and_noticed_when_changed(
    drawing: tuple[Path, Generator, Path], tmp_path: Path
) -> None:
    folder, generator, path = drawing
    guidance = generator.request("a", guide=[f"mixture:model={path},prompt='a blue cat',v=0.5"]).guidance or ()
    ledger = Ledger()
    state = walk(generator, *guidance, ledger=ledger)
    assert [(each.rows, each.carried) for each in ledger.forwards] == [(3, (str(path),)), (3, (str(path),))]
    assert (state - walk(models.load(folder), ClassifierFree(scale=generator.guidance[0].scale))).abs().max() > 1e-3  # type: ignore[attr-defined]
    request = generator.request("a red heart", steps=2, guidance=guidance)
    assert request.files == {str(path): sha256_of(path)}
    events = list(studio.generate(generator, request, Store(tmp_path / "store")))
    (picture,) = [event.path for event in events if isinstance(event, studio.Drawn)]
    again = list(studio.replay(picture, models.load))[-1]
    assert isinstance(again, studio.Replay)
    assert again.same
    assert not any("tuned" in cause for cause in again.causes)
    network = generator.stages[0].predictor.network.module  # type: ignore[attr-defined]
    low_rank(network, ("to_k", "up"), path, seed=5)
    changed = list(studio.replay(picture, models.load))[-1]
    assert isinstance(changed, studio.Replay)
    assert f"{path} is not what it was" in changed.causes
    assert not changed.same


@pytest.mark.parametrize("mode", ["values", "conjunction"])
def test_edited_rows_that_carry_a_change_read_the_text_by_their_own_weights(
    mode: str, checkpoint: Path, tmp_path: Path
) -> None:
    generator = models.load(checkpoint)
    stage = generator.stages[0]
    network = stage.predictor.network.module.double()  # type: ignore[attr-defined]
    path = low_rank(network, ("to_q", "to_k", "to_v"), tmp_path / "tuned.safetensors", prefix="unet.")
    adapter = low_rank_of(path, network)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    level = stage.schedule.levels(4, stage.sampler)[1]

    def answer(adapter: Adapter) -> Tensor:
        parts = [Structured(mode=mode), Mixture(model=("tuned",), v=0.3)]  # type: ignore[arg-type]
        runner = Runner(
            stage.predictor, stage.encoder, [Prompt("a red heart and a blue cat")], parts, Streams([0]),
            adapters={"tuned": adapter},
        )  # fmt: skip
        return runner(Step(index=0, total=4, x=x, level=level, next=level))

    torch.testing.assert_close(answer(adapter), answer(Alone(adapter)), rtol=1e-6, atol=1e-6)


def test_a_folder_of_peft_does_what_peft_does(checkpoint: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    unet = models.load(checkpoint).stages[0].predictor.network.module  # type: ignore[attr-defined]
    torch.manual_seed(0)
    config = peft.LoraConfig(r=2, lora_alpha=6, target_modules=list(UNET), init_lora_weights=False)
    theirs = peft.get_peft_model(unet, config)
    theirs.save_pretrained(tmp_path / "tuned")
    generator = models.load(checkpoint)
    stage = generator.stages[0]
    rows = stage.encoder.encode([Ask(Prompt("a red heart"))])
    x, level = Streams([0]).normal((4, 8, 8)), stage.schedule.levels(4, stage.sampler)[1]
    found = generator.others.adapters([Mixture(model=(str(tmp_path / "tuned"),))], 0)
    (adapter,) = found.values()
    with torch.no_grad(), adapter.on(stage.predictor) as changed:
        ours = changed(x, level, rows, [None])
        plain = models.load(checkpoint).stages[0].predictor(x, level, rows, [None])
    time = torch.full((1,), level.time)
    noise = theirs.eval()(x, time, encoder_hidden_states=rows.tokens, return_dict=False)[0]
    wanted = (x - level.sigma * noise) / level.alpha
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-4)
    assert (ours - plain).abs().max() > 1e-2
    before = generator.sources([Mixture(model=(str(tmp_path / "tuned"),))])
    settings = tmp_path / "tuned" / "adapter_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "lora_alpha": 7}))
    after = models.load(checkpoint).sources([Mixture(model=(str(tmp_path / "tuned"),))])
    assert before != after, "the settings are part of what is hashed"


def test_a_change_to_another_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    generator = models.load(build_native(tmp_path))
    unet = models.load(checkpoint).stages[0].predictor.network.module  # type: ignore[attr-defined]
    path = low_rank(unet, UNET, tmp_path / "unet.safetensors")
    with pytest.raises(WeightsError, match="0 matched, 0 missing, 42 unexpected"):
        generator.request("a", guidance=[Mixture(model=(str(path),))])
