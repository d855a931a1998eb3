"""Words and changes that were written by diffusers draw the same in limn, and the other way round."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from limn import models
from limn.kernel.errors import AdapterWarning, WeightsError
from limn.kernel.generator import Generator, Progress
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.networks.low_rank import Factors
from limn.personalise.learned import Layout, Learned, write

pytest.importorskip("diffusers")
pytest.importorskip("peft")

SEED, STEPS = 3, 3
UNET, TEXT = ("to_q", "to_v", "to_out.0", "conv1", "proj_in", "ff.net.2"), ("q_proj", "fc1")


@pytest.fixture(scope="module")
def generator(checkpoint: Callable[..., Path]) -> Generator:
    return models.load(checkpoint())


@pytest.fixture
def pipe(checkpoint: Callable[..., Path]) -> Any:
    """A pipeline of its own, as diffusers changes it for good."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import StableDiffusionPipeline

        pipe = StableDiffusionPipeline.from_pretrained(checkpoint(), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def theirs(pipe: Any, text: str) -> Tensor:
    noise = Streams([SEED]).normal((4, 8, 8))
    latents: Tensor = pipe(text, num_inference_steps=STEPS, latents=noise, output_type="latent").images
    return latents


def ours(generator: Generator, text: str, *adapters: str, **options: Any) -> Tensor:
    request = generator.request(text, seed=SEED, steps=STEPS, adapter=adapters, **options)
    return [event.state.x for event in generator.draw(request) if isinstance(event, Progress)][-1]


def factors(network: nn.Module, endings: Sequence[str]) -> dict[str, Factors]:
    """Return random changes of rank 2 to some layers of a network."""
    random, changes = torch.Generator().manual_seed(0), {}
    for name, layer in network.named_modules():
        if name.endswith(tuple(endings)) and isinstance(layer, nn.Linear | nn.Conv2d):
            out, *ins = layer.weight.shape
            down = 0.3 * torch.randn(2, *ins, generator=random)
            up = 0.3 * torch.randn(out, 2, *[1] * (len(ins) - 1), generator=random)
            changes[name] = Factors(down=down, up=up, scale=0.7)
    return changes


def networks(generator: Generator) -> tuple[nn.Module, nn.Module]:
    stage: Any = generator.stages[0]
    return stage.predictor.network.module, stage.encoder.model


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max().clamp(min=1)))


@pytest.mark.parametrize(("layout", "text"), [("diffusers", True), ("kohya", False)])
def test_diffusers_draws_the_same_with_what_limn_wrote(
    layout: Layout, text: bool, generator: Generator, pipe: Any, tmp_path: Path
) -> None:
    unet, encoder = networks(generator)
    # Of kohya's files, diffusers 0.42 with transformers 5 leaves the text encoder's attention out.
    changes = {"unet": factors(unet, UNET), **({"text_encoder": factors(encoder, TEXT)} if text else {})}
    path = tmp_path / "tuned.safetensors"
    write(path, Learned(changes=changes, record={"method": "dreambooth"}), layout=layout)
    pipe.load_lora_weights(str(path))
    found = ours(generator, "a red heart", str(path))
    close(found, theirs(pipe, "a red heart"))
    assert (found - ours(generator, "a red heart")).abs().max() > 0.1


@pytest.mark.parametrize("kohya", [False, True])
def test_limn_draws_the_same_with_what_diffusers_wrote(
    kohya: bool, generator: Generator, pipe: Any, tmp_path: Path
) -> None:
    from diffusers.utils import convert_state_dict_to_diffusers
    from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(0)
    pipe.unet.add_adapter(LoraConfig(r=2, lora_alpha=3, target_modules=["to_q", "conv1"], init_lora_weights=False))
    pipe.text_encoder.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["v_proj"], init_lora_weights=False))
    states = [get_peft_model_state_dict(network) for network in (pipe.unet, pipe.text_encoder)]
    path = tmp_path / "pytorch_lora_weights.safetensors"
    if kohya:
        named = zip(("unet", "text_encoder"), states, strict=True)
        flat = convert_state_dict_to_kohya(
            {f"{part}.{name}": own for part, state in named for name, own in state.items()}
        )
        unet_alphas = [name for name in flat if name.startswith("lora_unet") and name.endswith("alpha")]
        flat |= dict.fromkeys(unet_alphas, torch.tensor(3.0))
        save_file({name: tensor.clone().contiguous() for name, tensor in flat.items()}, path)
    else:
        pipe.save_lora_weights(
            tmp_path,
            unet_lora_layers=convert_state_dict_to_diffusers(states[0]),
            text_encoder_lora_layers=convert_state_dict_to_diffusers(states[1]),
            unet_lora_adapter_metadata=pipe.unet.peft_config["default"].to_dict(),
        )
    close(ours(generator, "a red heart", str(path)), theirs(pipe, "a red heart"))


def test_weights_add_up_as_those_of_diffusers(generator: Generator, pipe: Any, tmp_path: Path) -> None:
    unet, encoder = networks(generator)
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    write(one, Learned(changes={"unet": factors(unet, ("to_q",)), "text_encoder": factors(encoder, TEXT)}))
    write(two, Learned(changes={"unet": factors(unet, ("to_q", "conv1"))}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.load_lora_weights(str(one), adapter_name="one")
        pipe.load_lora_weights(str(two), adapter_name="two")
    pipe.set_adapters(["one", "two"], [0.5, -0.8])
    found = ours(generator, "a red heart", f"{one}:0.5", f"{two}:-0.8")
    close(found, theirs(pipe, "a red heart"))
    assert torch.equal(found, ours(generator, "a red heart", f"{two}:-0.8", f"{one}:0.5"))
    torch.testing.assert_close(ours(generator, "a red heart", f"{one}:0"), ours(generator, "a red heart"))


@pytest.mark.parametrize("vectors", [1, 3])
def test_words_are_read_as_diffusers_reads_them(
    vectors: int, generator: Generator, pipe: Any, tmp_path: Path
) -> None:
    path = tmp_path / "word.safetensors"
    rows = 0.5 * torch.randn(vectors, 16, generator=torch.Generator().manual_seed(1))
    write(path, Learned(words={"<zorp>": (rows,)}, record={"method": "textual_inversion"}))
    texts = ("a red <zorp> and a <zorp>", "a cat", "<zorp>" * 20)
    plain = [ours(generator, text) for text in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.load_textual_inversion(str(path))
    for text, before in zip(texts, plain, strict=True):
        found = ours(generator, text, str(path))
        close(found, theirs(pipe, text))
        assert torch.equal(found, before) == ("<zorp>" not in text)
        assert torch.equal(ours(generator, text), before), "forgotten at once"
    spans = generator.others.encodings(generator.request("a", adapter=str(path)).guidance or (), 0)
    assert spans is not None
    text = "a <zorp> cat"
    assert [text[a:b] for a, b in spans.spans(text)[1 : vectors + 3]] == ["a", *["<zorp>"] * vectors, "cat"]


def test_slopes_reach_the_vectors_of_learned_words_only(generator: Generator) -> None:
    encoder: Any = generator.stages[0].encoder
    vectors = torch.randn(2, 16).requires_grad_(True)
    taught = encoder.knowing({"<zorp>": vectors})
    rows = taught.encode([Ask(Prompt("a <zorp>")), Ask(Prompt("a cat"))])
    (slope,) = torch.autograd.grad(rows.tokens[0].square().sum(), vectors, retain_graph=True)
    assert slope.abs().min() > 0
    (none,) = torch.autograd.grad(rows.tokens[1].sum(), vectors, allow_unused=True)
    assert none is None or not none.any()
    assert torch.equal(encoder.encode([Ask(Prompt("a cat"))]).tokens, rows.tokens[1:].detach())


@pytest.mark.slow
def test_what_was_made_for_other_models_is_counted(
    generator: Generator, checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    unet, _ = networks(generator)
    path = tmp_path / "x.safetensors"

    def refused(message: str) -> None:
        with pytest.raises(WeightsError, match=message) as caught:
            ours(models.load(checkpoint()), "a", str(path))
        assert "\n" not in str(caught.value)

    write(path, Learned(changes={"unet": {"blocks.0": Factors(down=torch.ones(1, 2), up=torch.ones(2, 1))}}))
    refused(r"0 matched, 0 missing, 1 unexpected \(blocks\.0\)")
    write(path, Learned(words={"<zorp>": (torch.ones(1, 768),)}))
    refused(r"0 matched, 1 missing, 1 unexpected .*768 numbers.*")
    first, *rest = factors(unet, ("to_k",)).items()
    wide = {first[0]: Factors(down=torch.ones(1, 99), up=torch.ones(8, 1)), **dict(rest)}
    write(path, Learned(changes={"unet": wide}))
    refused(rf"{len(rest)} matched, 0 missing, 1 unexpected .*99\) for a layer of")
    second = {"text_encoder_2": {"a": first[1]}}
    write(path, Learned(changes={"unet": {**dict(rest), "other": first[1]}, **second}))
    with pytest.warns(AdapterWarning, match=rf"fits .* in part: {len(rest)} matched, 0 missing, 2 unexpected"):
        ours(models.load(checkpoint()), "a", str(path))
    write(path, Learned(changes={"unet": dict(rest)}, record={"base": {"name": "another", "weights": "0" * 64}}))
    with pytest.warns(AdapterWarning, match="was learned on another, whose weights are not those of"):
        ours(models.load(checkpoint()), "a", str(path))
    write(path, Learned(changes={"unet": dict(rest)}, extra={"unheard": torch.ones(2)}))
    refused("unheard")
    assert load_file(path)["limn.unheard"].shape == (2,)
