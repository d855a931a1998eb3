"""FLUX.1 schnell and dev (Black Forest Labs 2024): double and single streams of text and picture; T5 and CLIP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import one_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Ask, Conditioning
    from limn.models.checkpoints.shared.language import Reader

SCALE: Final = 3.5  # that a network reads which is told of none

_CLASSES: Final = {
    "feature_extractor": (),
    "image_encoder": (),
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "text_encoder": ("CLIPTextModel",),
    "text_encoder_2": ("T5EncoderModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "tokenizer_2": ("T5Tokenizer", "T5TokenizerFast"),
    "transformer": ("FluxTransformer2DModel",),
    "vae": ("AutoencoderKL",),
}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``FluxPipeline``.

    A network that reads a guidance scale (dev) draws 28 steps with 3.5; one that does not (schnell) 4 steps without.
    The 512 text tokens are read without a mask, so filling is part of the model.

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
    from limn.models.checkpoints.shared.codecs import Coder
    from limn.models.checkpoints.shared.flow import RULES, schedule_of
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader

    optional = ("feature_extractor", "image_encoder")
    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype), optional=optional)
    model, vae = folder.network("transformer", {"patch_size": one_of(1)}), folder.network("vae")
    clip, t5 = folder.tokenizer("tokenizer"), folder.tokenizer("tokenizer_2")
    whole = Reader(
        clip, folder.network("text_encoder"), limit=clip.model_max_length, masked=False, pooled="pooler_output"
    )
    words = Reader(t5, folder.network("text_encoder_2"), limit=512, masked=False)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    double = [(block, {"attn": "joint"}) for block in model.transformer_blocks]
    single = [(block, {"attn": "joint"}) for block in model.single_transformer_blocks]
    reads = model.config.guidance_embeds
    return assembled(
        folder,
        encoder=Pooled(words=words, whole=whole),
        network=Transformer(model, double + single, text_first, ask, patch=2),
        coder=Coder(vae, vae.config.latent_channels, factor),
        mean=(vae.config.shift_factor or 0.0,),
        std=(1 / vae.config.scaling_factor,),
        schedule=schedule_of(folder.fields("scheduler", RULES), patch=2),
        usual=Usual(steps=28, guidance=Embedded(scale=SCALE)) if reads else Usual(steps=4),
        side=128 * factor,
        patch=2,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooled:
    """Tokens of one reader, beside one vector of another for the whole prompt.

    Args:
        words: Gives the tokens.
        whole: Gives the extra ``pooled``.
    """

    words: Reader
    whole: Reader

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks that read, as the folder counts them."""
        return (self.whole.network, self.words.network)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the rows; see :class:`limn.kernel.predictor.Encoder`."""
        return replace(self.words.encode(asks), extras=self.whole.encode(asks).extras)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token."""
        return self.words.spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.words.unread(text)


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow in patches of 2 x 2, each with its row and column; text stands at 0."""
    import torch

    from limn.guidance.embedded import KNOB
    from limn.models.checkpoints.shared.attention import packed, unpacked

    height, width = x.shape[2] // 2, x.shape[3] // 2
    places = torch.cartesian_prod(torch.arange(1), torch.arange(height), torch.arange(width))
    scale = None
    if model.config.guidance_embeds:
        scale = conditioning.extras.get(KNOB, x.new_full((len(x),), SCALE)).nan_to_num(SCALE)
    answer = model(
        hidden_states=packed(x, 2),
        encoder_hidden_states=conditioning.tokens,
        pooled_projections=conditioning.extras["pooled"],
        timestep=time.to(x) / 1000,
        guidance=scale,
        img_ids=places.to(x),
        txt_ids=x.new_zeros(conditioning.tokens.shape[1], 3),
        return_dict=False,
    )[0]
    return unpacked(answer, x, 2)
