"""Models of few steps, without a middle, with small autoencoders: each against diffusers' own pipeline."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from limn import models
from limn.kernel.errors import InputError, ModelWarning, WeightsError
from limn.kernel.generator import Progress
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.models import checkpoints
from limn.server.worker import preview

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TEXTS = ["a red heart", "the red cat of a blue heart", "a"]
PLAIN = "StableDiffusionPipeline"


def theirs(pipe: Any, texts: list[str], steps: int, **options: Any) -> Tensor:
    generators = [torch.Generator().manual_seed(k) for k in range(len(texts))]
    given = {"height": 64, "width": 64, "output_type": "latent", "num_inference_steps": steps, **options}
    result: Tensor = pipe(texts, generator=generators, **given).images
    return result


def close(found: Tensor, wanted: Tensor, share: float = 1e-4) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=share * float(wanted.abs().max().clamp(min=1)))


def euler(**options: Any) -> Any:
    return diffusers.EulerDiscreteScheduler(**tiny.BETAS, timestep_spacing="trailing", steps_offset=1, **options)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("steps", [1, 4])
def test_turbo(count: int, steps: int, tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path, scheduler=euler())
    generator, ledger = models.load(folder), Ledger()
    found = tiny.drawn(generator, TEXTS[:count], steps=steps)
    close(found, theirs(tiny.pipeline(folder, PLAIN, torch.float32), TEXTS[:count], steps, guidance_scale=0.0))
    list(generator.draw(generator.request("a"), ledger=ledger))
    assert [forward.rows for forward in ledger.forwards] == [1] * 4, "four steps, asked once"
    with pytest.warns(ModelWarning, match="was made to draw without guidance"):
        generator.request("a", scale=5)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("scale", [None, 3.0])
def test_latent_consistency_models_are_told_the_scale(count: int, scale: float | None, tmp_path: Path) -> None:
    scheduler = diffusers.LCMScheduler(**tiny.BETAS)
    folder = tiny.stable_diffusion(tmp_path, scheduler=scheduler, time_cond_proj_dim=32)
    generator = models.load(folder)
    found = tiny.drawn(generator, TEXTS[:count], scale=scale)
    pipe = tiny.pipeline(folder, "LatentConsistencyModelPipeline", torch.float32)
    wanted = theirs(pipe, TEXTS[:count], 4, guidance_scale=scale or 8.5)
    close(found, wanted)
    with pytest.raises(InputError, match="negative: embedded takes none"):
        generator.request("a", negative="b")


def test_a_lora_makes_a_model_consistent(tmp_path: Path) -> None:
    """LCM-LoRA: the plain model, the sampler, a scale of 1 and the file."""
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict

    folder = tiny.stable_diffusion(
        tmp_path / "m", scheduler=diffusers.DDIMScheduler(**tiny.BETAS, clip_sample=False)
    )
    pipe = tiny.pipeline(folder, PLAIN, torch.float32)
    torch.manual_seed(0)
    pipe.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "conv1"], init_lora_weights=False))
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipe.unet))
    pipe.save_lora_weights(tmp_path, unet_lora_layers=state)
    pipe.scheduler = diffusers.LCMScheduler(**tiny.BETAS)
    file = str(tmp_path / "pytorch_lora_weights.safetensors")
    found = tiny.drawn(models.load(folder), TEXTS, steps=4, sampler="lcm", scale=1, adapter=file)
    close(found, theirs(pipe, TEXTS, 4, guidance_scale=1.0))


@pytest.mark.parametrize("small", [False, True])
def test_a_network_without_a_middle(small: bool, tmp_path: Path) -> None:
    """BK-SDM, and SDXS with its small autoencoder, which draws at once."""
    scheduler = euler() if small else diffusers.DDIMScheduler(**tiny.BETAS, clip_sample=False, steps_offset=1)
    vae = tiny.autoencoder(tiny=True) if small else None
    folder = tiny.stable_diffusion(tmp_path, scheduler=scheduler, vae=vae, mid_block_type=None)
    generator = checkpoints.load(folder)
    assert generator.stages[0].steps == (1 if small else 30)
    steps, scale = (1, 0.0) if small else (5, 7.5)
    pipe = tiny.pipeline(folder, PLAIN, torch.float32)
    wanted = theirs(pipe, TEXTS, steps, guidance_scale=scale)
    close(tiny.drawn(generator, TEXTS, steps=steps), wanted)
    for guide in ("pag", "pag:mode=skip"):
        assert generator.generate("a", steps=2, guide=guide)[0].flaw == ""
    codec, latents = generator.stages[0].codec, Streams([0]).normal((4, 8, 8))
    with torch.no_grad():
        scaling = pipe.vae.config.scaling_factor
        torch.testing.assert_close(codec.decode(latents), pipe.vae.decode(latents / scaling).sample)
        image = codec.decode(latents).clamp(-1, 1)
        encoded = pipe.vae.encode(image)
        raw = encoded.latents if small else encoded.latent_dist.mode()
        torch.testing.assert_close(codec.encode(image), raw * scaling, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["folder", "file", "taesd"])
def test_another_autoencoder(kind: str, tmp_path: Path) -> None:
    model = tiny.stable_diffusion(tmp_path / "m", scheduler=euler())
    torch.manual_seed(9)
    other = tiny.autoencoder(tiny=kind == "taesd")
    path = folder = tmp_path / "sdxl-vae-fp16-fix"
    other.save_pretrained(folder)
    if kind in ("file", "taesd"):
        path = path / "diffusion_pytorch_model.safetensors"
    if kind == "taesd":  # the published shape, of which a file alone is read
        other = diffusers.AutoencoderTiny()
        other.save_pretrained(folder)
    generator = models.load(f"{model}:vae={path}")
    latents = Streams([0]).normal((4, 8, 8))
    with torch.no_grad():
        wanted = other.decode(latents / other.config.scaling_factor).sample
        torch.testing.assert_close(generator.stages[0].codec.decode(latents), wanted)
    assert generator.weights != models.load(model).weights
    assert generator.name == f"{model}:vae={path}"
    drawn = generator.generate("a", steps=1)[0].pixels
    assert not np.array_equal(drawn, models.load(model).generate("a", steps=1)[0].pixels)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_previews_by_a_small_autoencoder(kind: str, tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path / "m", scheduler=euler())
    torch.manual_seed(9)
    small = diffusers.AutoencoderTiny() if kind == "file" else tiny.autoencoder(tiny=True)
    small.save_pretrained(tmp_path / "taesd")
    path = tmp_path / "taesd" / ("diffusion_pytorch_model.safetensors" if kind == "file" else "")
    generator, plain = models.load(f"{folder}:preview={path}"), models.load(folder)
    assert generator.request("a").key() == plain.request("a").key(), "pictures are the same"
    assert np.array_equal(generator.generate("a", steps=1)[0].pixels, plain.generate("a", steps=1)[0].pixels)
    event = next(event for event in generator.draw(generator.request("a", steps=2)) if isinstance(event, Progress))
    with torch.no_grad():
        wanted = small.decode(event.state.clean).sample[0].permute(1, 2, 0).clamp(-1, 1)
    shown = np.asarray(Image.open(BytesIO(b64decode(preview(generator, event)))))
    assert np.abs(shown - (wanted.numpy() + 1) * 127.5).max() <= 1
    assert preview(plain, event) != preview(generator, event)


def test_previews_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path / "m", scheduler=euler())
    diffusers.AutoencoderTiny(latent_channels=16).save_pretrained(tmp_path / "taef1")
    file = tmp_path / "taef1" / "diffusion_pytorch_model.safetensors"
    with pytest.raises(InputError, match="decodes other latents than those of"):
        models.load(f"{folder}:preview={file}")
    with pytest.raises(WeightsError, match="is no small autoencoder"):
        models.load(f"{folder}:preview={folder}/vae/diffusion_pytorch_model.safetensors")


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.slow
def test_trajectory_consistency(steps: int, tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path, scheduler=diffusers.TCDScheduler(**tiny.BETAS))
    generator = models.load(folder)
    assert generator.stages[0].steps == 4
    pipe = tiny.pipeline(folder, PLAIN, torch.float32)
    close(tiny.drawn(generator, TEXTS, steps=steps), theirs(pipe, TEXTS, steps, guidance_scale=0.0))


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "TCDScheduler"])
def test_hyper(scheduler: str, tmp_path: Path) -> None:
    """Hyper-SD: a LoRA in kohya's layout at a weight; DDIM on trailing timesteps, or TCD, without guidance."""
    options: dict[str, Any] = {"clip_sample": False, "timestep_spacing": "trailing"} if "DDIM" in scheduler else {}
    folder = tiny.stable_diffusion(tmp_path / "m", scheduler=getattr(diffusers, scheduler)(**tiny.BETAS, **options))
    pipe = tiny.pipeline(folder, PLAIN, torch.float32)
    torch.manual_seed(0)
    state = {}
    for block in ("down_blocks_0_attentions_0", "up_blocks_1_attentions_0"):
        for layer in ("attn1_to_q", "attn2_to_k"):
            name = f"lora_unet_{block}_transformer_blocks_0_{layer}"
            into = 16 if layer == "attn2_to_k" else 8
            state |= {f"{name}.lora_down.weight": torch.randn(2, into), f"{name}.lora_up.weight": torch.randn(8, 2)}
            state |= {f"{name}.alpha": torch.tensor(1.0)}
    file = tmp_path / "Hyper-SD15-8steps-lora.safetensors"
    save_file(state, file)
    pipe.load_lora_weights(tmp_path, weight_name=file.name)
    pipe.fuse_lora(lora_scale=0.7)
    found = tiny.drawn(models.load(folder), TEXTS, steps=4, scale=1, adapter=f"{file}:0.7")
    close(found, theirs(pipe, TEXTS, 4, guidance_scale=0.0))


def test_another_text_encoder_and_precision(tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path / "m", scheduler=euler())
    other = tiny.stable_diffusion(tmp_path / "o", scheduler=euler(), seed=1)
    file = other / "text_encoder" / "model.safetensors"
    exchanged = models.load(f"{folder}:text_encoder={file},dtype=bfloat16").stages[0]
    own = models.load(other).stages[0]
    for name, tensor in own.encoder.model.state_dict().items():
        assert torch.equal(exchanged.encoder.model.state_dict()[name], tensor.bfloat16())
    assert {weight.dtype for weight in exchanged.predictor.network.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ("vae=none.safetensors", "no such file"),
        ("dtype=int8", "unknown dtype 'int8'"),
        ("clip_skip=x", "is no number of layers"),
        ("vae=unet/diffusion_pytorch_model.safetensors", "tensors matched"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: str, match: str, tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path, scheduler=euler())
    with pytest.raises((InputError, WeightsError), match=match):
        models.load(f"{folder}:{options.replace('=unet', f'={folder}/unet')}")


def test_shards_and_files_of_another_name(tmp_path: Path) -> None:
    folder = tiny.stable_diffusion(tmp_path / "m", scheduler=euler())
    wanted = models.load(folder).generate("a", steps=1)[0].pixels
    one = folder / "unet" / "diffusion_pytorch_model.safetensors"
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    one.unlink()
    unet.save_pretrained(folder / "unet", max_shard_size="20KB")
    assert len(list((folder / "unet").glob("*-of-*.safetensors"))) > 1
    assert np.array_equal(models.load(folder).generate("a", steps=1)[0].pixels, wanted)
    shard = sorted((folder / "unet").glob("*-of-*.safetensors"))[0]
    rest = dict(list(load_file(shard).items())[1:])
    save_file(rest, shard)
    with pytest.raises(WeightsError, match="1 missing, 0 unexpected"):
        models.load(folder)
    vae = folder / "vae" / "diffusion_pytorch_model.safetensors"
    vae.rename(vae.with_name("vae-ft-mse.safetensors"))
    for part in (folder / "unet").glob("*-of-*.safetensors"):
        part.unlink()
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").unlink()
    unet.save_pretrained(folder / "unet", variant="bf16")
    assert np.array_equal(models.load(folder).generate("a", steps=1)[0].pixels, wanted)
