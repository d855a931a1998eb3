"""What every family of transformer checkpoints must show beside diffusers' own pipeline."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import features
from limn import models
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.pag import PAG
from limn.kernel import registry
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.samplers.euler import Euler
from tiny_families import FAMILIES, built
from tiny_families.family import Family

TEXTS = ["a red heart", "the photo of a blue cat on a long, long mat", "dog"]
NEGATIVES = ["blurry", "a grey and boring dog that is far away", "x"]
STEPS = 3


@dataclass(frozen=True)
class Identity(AttentionEdit):
    """Changes nothing, by its own way."""


@dataclass(frozen=True)
class Muted(AttentionEdit):
    """Hides most words from the picture."""

    def touches(self, site: AttentionSite) -> bool:
        return site.text is not None

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        assert site.text is not None
        bias = query.new_zeros(1, 1, query.shape[2], key.shape[2])
        bias[..., site.image, site.text.start + 1 : site.text.stop] = -1e4
        return bias


@dataclass
class Pair:
    """A tiny checkpoint, as diffusers and as limn have it.

    Args:
        family: Which.
        folder: Where it lies.
        name: Its name, where that is not its module's.
    """

    family: Family
    folder: Path
    name: str = ""

    @cached_property
    def pipe(self) -> Any:
        return built(self.name or self.family.module)

    @cached_property
    def generators(self) -> dict[torch.dtype, Generator]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.pipe.save_pretrained(self.folder)
        module = import_module(f"limn.models.checkpoints.{self.family.module}")
        return {dtype: module.load(self.folder, dtype=dtype) for dtype in (torch.float32, torch.float64)}

    def pipeline(self, dtype: torch.dtype) -> Any:
        return self.pipe if dtype == torch.float32 else copy.deepcopy(self.pipe).to(dtype)

    def noise(self, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
        shape = self.generators[dtype].stages[0].codec.shape(*self.family.size)
        return torch.randn(count, *shape, generator=torch.Generator().manual_seed(5)).to(dtype)

    def ours(
        self,
        texts: Sequence[str],
        guidances: Sequence[Guidance],
        noise: Tensor,
        sampler: Sampler | None = None,
    ) -> Tensor:
        stage = self.generators[noise.dtype].stages[0]
        *_, last = stage.walk(
            [Prompt(text) for text in texts], guidances, Streams(range(len(texts))),
            size=self.family.size, steps=STEPS, noise=noise, sampler=sampler,
        )  # fmt: skip
        return last.x

    def against(self, negative: str) -> list[Guidance]:
        further: list[Any] = [registry.parse("guidance", name) for name in self.family.guides]
        return [ClassifierFree(scale=self.family.scale, against=negative), *further]

    def answers(self, *edits: AttentionEdit | None) -> Tensor:
        """What limn's network makes of three rows, each with its edit."""
        stage = self.generators[torch.float32].stages[0]
        noise = self.noise(3)
        level = stage.schedule.levels(STEPS, stage.sampler, "", noise.shape[1:])[1]
        conditioning = stage.encoder.encode([Ask(Prompt(text)) for text in TEXTS])
        return stage.predictor(noise, level, conditioning, edits)


def close(one: Tensor, two: Tensor) -> None:
    """Check latents to 1e-4 of their size in float32, to 1e-5 in float64."""
    assert one.shape == two.shape
    limit = 1e-4 if one.dtype == torch.float32 else 1e-5
    error = (one.double() - two.double()).abs().max() / two.double().abs().max()
    assert error < limit, f"{float(error):.1e} of the largest value"


def tuned(pipe: Any, layers: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """A pipeline with random changes to layers of its networks, and these as ``save_lora_weights`` takes them."""
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(0)
    pipe, states = copy.deepcopy(pipe), {}
    for name, layer in layers.items():
        network = getattr(pipe, name)
        network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=[layer], init_lora_weights=False))
        state = get_peft_model_state_dict(network)
        states[f"{name}_lora_layers"] = convert_state_dict_to_diffusers(state)
    return pipe, states


def adapted(pair: Pair, pipe: Any, files: Sequence[str]) -> None:
    """Check that limn draws with files what a changed pipeline draws, and that they play a part."""
    noise = pair.noise(2)
    wanted = pair.family.theirs(pipe, TEXTS[:2], None, noise, STEPS)
    plain = pair.ours(TEXTS[:2], [], noise)
    generator = models.load(pair.folder)
    request = generator.request(TEXTS[0], adapter=list(files), guidance=[], size=pair.family.size)
    stage, parts = generator.stages[0], request.guidance or ()
    *_, last = stage.walk(
        [Prompt(text) for text in TEXTS[:2]], parts, Streams([0, 1]), size=pair.family.size, steps=STEPS,
        noise=noise, adapters=generator.others.adapters(parts, 0),
    )  # fmt: skip
    close(last.x, wanted)
    assert (last.x - plain).abs().max() > 1e-3 * plain.abs().max()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
class Agreement:
    """Tests of one family; a subclass names it."""

    name: str
    exact = True

    @pytest.fixture(scope="class")
    @classmethod
    def pair(cls, tmp_path_factory: pytest.TempPathFactory) -> Pair:
        return Pair(FAMILIES[cls.name], tmp_path_factory.mktemp(cls.name) / cls.name)

    @pytest.mark.parametrize("dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.float64])
    def test_latents_equal_the_pipelines(self, pair: Pair, dtype: torch.dtype) -> None:
        pipe = pair.pipeline(dtype)
        for count in (1, 3):
            noise = pair.noise(count, dtype)
            plain = pair.ours(TEXTS[:count], [], noise)
            close(plain, pair.family.theirs(pipe, TEXTS[:count], None, noise, STEPS))
        # limn has one negative prompt in a walk; in a batch the pipeline is given it three times
        for count, negative in ((1, NEGATIVES[0]), (3, NEGATIVES[1])):
            noise = pair.noise(count, dtype)
            want = pair.family.theirs(pipe, TEXTS[:count], [negative] * count, noise, STEPS)
            guided = pair.ours(TEXTS[:count], pair.against(negative), noise)
            close(guided, want)
        assert (plain - guided).abs().max() > 1e-3 * plain.abs().max(), "the words play a part"

    def test_a_guided_composition_equals_a_loop_by_hand(self, pair: Pair) -> None:
        family, noise = pair.family, pair.noise(1, torch.float64)
        pipe, stage = pair.pipeline(torch.float64), pair.generators[torch.float64].stages[0]
        block = family.layers(pipe)[1]

        def asked(x: Tensor, time: float, text: str, skipped: bool = False) -> Tensor:
            hook = block.register_forward_hook(_unchanged, with_kwargs=True) if skipped else None
            with torch.no_grad():
                answer = family.answer(pipe, x, time, text)
            if hook is not None:
                hook.remove()
            return answer

        euler, shape = Euler(), noise.shape[1:]
        x = noise * stage.schedule.start_scale(STEPS, euler, "", shape)
        for here, there in pairwise(stage.schedule.levels(STEPS, euler, "", shape)):
            main, null = asked(x, here.time, TEXTS[1]), asked(x, here.time, NEGATIVES[0])
            worse = asked(x, here.time, TEXTS[1], skipped=True)
            answer = main + 2 * (main - null) + 1.5 * (main - worse)
            flow = stage.predictor.target == "flow"  # type: ignore[attr-defined]
            clean = x - here.sigma * answer if flow else (x - here.sigma * answer) / here.alpha
            x = there.alpha * clean + there.sigma * (x - here.alpha * clean) / here.sigma
        guides = [ClassifierFree(scale=3, against=NEGATIVES[0]), PAG(scale=1.5, mode="skip", layers=(1,))]
        close(pair.ours(TEXTS[1:2], guides, noise, sampler=euler), x)

    def test_an_identity_edit_changes_nothing(self, pair: Pair) -> None:
        plain = pair.answers(None, None, None)
        edited = pair.answers(Identity(), None, Identity()) if self.exact else pair.answers(*[_Words()] * 3)
        torch.testing.assert_close(edited, plain, rtol=0, atol=1e-5 * float(plain.abs().max()))

    def test_an_edit_of_one_row_leaves_the_others_bits_alone(self, pair: Pair) -> None:
        plain, edited = pair.answers(None, None, None), pair.answers(None, Muted(), None)
        assert torch.equal(edited[[0, 2]], plain[[0, 2]])
        assert (edited[1] - plain[1]).abs().max() > 1e-5 * plain.abs().max()

    @pytest.mark.slow
    def test_the_table_says_what_works(self, pair: Pair, tmp_path: Path) -> None:
        assert pair.generators
        features.check(models.load(pair.folder), tmp_path, self.name)

    def test_pictures_are_decoded_as_the_autoencoder_does(self, pair: Pair) -> None:
        codec = pair.generators[torch.float32].stages[0].codec
        image = torch.rand(1, 3, *pair.family.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
        state = codec.encode(image)
        assert state.shape[1:] == codec.shape(*pair.family.size)
        assert codec.decode(state).shape == image.shape


@dataclass(frozen=True)
class _Words(Identity):
    """Changes nothing where words are seen."""

    def touches(self, site: AttentionSite) -> bool:
        return site.text is not None


def _unchanged(block: Any, inputs: tuple[Any, ...], named: dict[str, Any], after: Any) -> Any:
    """Give what a block was given."""
    picture = named["hidden_states"] if "hidden_states" in named else inputs[0]
    if not isinstance(after, tuple):
        return picture
    return named.get("encoder_hidden_states"), picture
