"""FLUX.2 (Black Forest Labs 2025, 2026): one modulation for all blocks, standardised patches.

klein is read by Qwen3, dev by Mistral Small 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import FLAG, one_of, read_json
from limn.kernel.errors import WeightsError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Conditioning

TEMPLATE: Final = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
"""What Qwen3's chat template makes of one question, without thinking."""

INSTRUCTED: Final = (
    "<s>[SYSTEM_PROMPT]You are an AI that reasons about image descriptions. You give structured responses focusing "
    "on object relationships, object\nattribution and actions without speculation.[/SYSTEM_PROMPT][INST]{}[/INST]"
)
"""What the chat template of Mistral Small 3 makes of dev's instruction and one question."""

LAYERS: Final = {"Flux2KleinPipeline": (9, 18, 27), "Flux2Pipeline": (10, 20, 30)}
"""Whose hidden states are read, side by side."""

SCALE: Final = 4.0  # that a network reads which is told of none

_CLASSES: Final = {
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "text_encoder": ("Qwen3ForCausalLM", "Qwen3Model"),
    "tokenizer": ("Qwen2Tokenizer", "Qwen2TokenizerFast"),
    "transformer": ("Flux2Transformer2DModel",),
    "vae": ("AutoencoderKLFlux2",),
}
_DEV: Final = {"text_encoder": ("Mistral3ForConditionalGeneration",), "tokenizer": ("PixtralProcessor",)}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``Flux2KleinPipeline`` or ``Flux2Pipeline`` (dev).

    A distilled klein, which the index says it is, draws 4 steps without guidance; its base 50 with scale 4. The
    network of dev reads its scale, 4, and draws 50 steps.

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.guidance.embedded import Embedded
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, text_first
    from limn.models.checkpoints.shared.codecs import PatchCoder
    from limn.models.checkpoints.shared.flow import RULES, schedule_of
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader

    name = str(read_json(Path(path) / "model_index.json").get("_class_name"))
    dev, layers = name == "Flux2Pipeline", LAYERS[name]
    classes = {**_CLASSES, **(_DEV if dev else {})}
    folder = Folder(Path(path), classes, device, usual_dtype(device, dtype), rules={"is_distilled": FLAG})
    model = folder.network("transformer", {"patch_size": one_of(1), "guidance_embeds": one_of(dev)})
    vae, text = folder.network("vae", {"patch_size": one_of([2, 2])}), folder.network("text_encoder")
    if text.config.num_hidden_layers < max(layers):
        raise WeightsError(f"{path}: the text encoder has no layer {max(layers)}; use that of the same model")
    template = INSTRUCTED if dev else TEMPLATE
    reader = Reader(folder.tokenizer("tokenizer"), text, limit=512, template=template, layers=layers, framed=not dev)
    usual = Usual(steps=4) if folder.index.get("is_distilled") else Usual(steps=50, scale=4.0)
    factor = 2 ** len(vae.config.block_out_channels)
    double = [(block, {"attn": "joint"}) for block in model.transformer_blocks]
    single = [(block, {"attn": "joint"}) for block in model.single_transformer_blocks]
    statistics = vae.bn
    return assembled(
        folder,
        encoder=reader,
        network=Transformer(model, double + single, text_first, ask, patch=1),
        coder=PatchCoder(vae, 4 * vae.config.latent_channels, factor),
        mean=statistics.running_mean.tolist(),
        std=(statistics.running_var + vae.config.batch_norm_eps).sqrt().tolist(),
        schedule=schedule_of(folder.fields("scheduler", RULES), patch=1, mu=shift),
        usual=Usual(steps=50, guidance=Embedded(scale=SCALE)) if dev else usual,
        side=64 * factor,
    )


def shift(tokens: int, steps: int) -> float:
    """Return the logarithm of the shift, as Black Forest Labs fitted it for 10 and for 200 steps."""
    many = 0.00016927 * tokens + 0.45666666
    if tokens > 4300:
        return many
    few = 8.73809524e-05 * tokens + 1.89833333
    slope = (many - few) / 190
    return slope * steps + (many - 200 * slope)


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow, with four coordinates for each token: of a reference, row, column, and place in the text."""
    import torch

    from limn.guidance.embedded import KNOB
    from limn.models.checkpoints.shared.attention import packed, unpacked

    (height, width), length = x.shape[2:], conditioning.tokens.shape[1]
    one = torch.arange(1)
    places = (torch.arange(height), torch.arange(width), torch.arange(length))
    scale = None
    if model.config.guidance_embeds:
        scale = conditioning.extras.get(KNOB, x.new_full((len(x),), SCALE)).nan_to_num(SCALE)
    answer = model(
        hidden_states=packed(x, 1),
        encoder_hidden_states=conditioning.tokens,
        timestep=time.to(x) / 1000,
        guidance=scale,
        img_ids=torch.cartesian_prod(one, places[0], places[1], one).to(x.device),
        txt_ids=torch.cartesian_prod(one, one, one, places[2]).to(x.device),
        return_dict=False,
    )[0]
    return unpacked(answer, x, 1)
