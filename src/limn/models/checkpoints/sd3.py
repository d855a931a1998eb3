"""Stable Diffusion 3 and 3.5 (Esser et al. 2024, arXiv:2403.03206): joint attention; CLIP twice, perhaps T5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Ask, Conditioning
    from limn.models.checkpoints.shared.language import Reader

WORDS: Final = 256
"""Tokens of T5, or zeros in their place."""

_CLASSES: Final = {
    "feature_extractor": (),
    "image_encoder": (),
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "text_encoder": ("CLIPTextModelWithProjection",),
    "text_encoder_2": ("CLIPTextModelWithProjection",),
    "text_encoder_3": ("T5EncoderModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "tokenizer_2": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "tokenizer_3": ("T5Tokenizer", "T5TokenizerFast"),
    "transformer": ("SD3Transformer2DModel",),
    "vae": ("AutoencoderKL",),
}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``StableDiffusion3Pipeline``, with T5 or without.

    A folder whose name has ``turbo`` in it is taken for a distilled model: 4 steps without guidance; any other draws
    28 steps with scale 7, the pipeline's own.

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, picture_first
    from limn.models.checkpoints.shared.codecs import Coder
    from limn.models.checkpoints.shared.flow import RULES, schedule_of
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader
    from limn.models.locating import called

    optional = ("feature_extractor", "image_encoder", "text_encoder_3", "tokenizer_3")
    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype), optional=optional)
    model, vae = folder.network("transformer"), folder.network("vae")
    limit = folder.tokenizer("tokenizer").model_max_length
    clips = [
        Reader(
            folder.tokenizer(f"tokenizer{which}"), folder.network(f"text_encoder{which}"),
            limit=limit, layers=(-2,), masked=False, pooled="text_embeds",
        )
        for which in ("", "_2")
    ]  # fmt: skip
    t5 = None
    if folder.has("text_encoder_3"):
        t5 = Reader(folder.tokenizer("tokenizer_3"), folder.network("text_encoder_3"), limit=WORDS, masked=False)
    factor, patch = 2 ** (len(vae.config.block_out_channels) - 1), model.config.patch_size
    blocks = [
        (block, {"attn": "joint"} if block.attn2 is None else {"attn": "joint", "attn2": "self"})
        for block in model.transformer_blocks
    ]
    return assembled(
        folder,
        encoder=Stacked(clips=clips, t5=t5, width=model.config.joint_attention_dim),
        network=Transformer(model, blocks, picture_first, ask, patch=patch),
        coder=Coder(vae, vae.config.latent_channels, factor),
        mean=(vae.config.shift_factor or 0.0,),
        std=(1 / vae.config.scaling_factor,),
        schedule=schedule_of(folder.fields("scheduler", RULES), patch=patch, trailing=False),
        usual=Usual(steps=4) if "turbo" in called(path).lower() else Usual(steps=28, scale=7.0),
        side=model.config.sample_size * factor,
        largest=model.config.pos_embed_max_size * patch * factor,
        patch=patch,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Stacked:
    """Tokens of two CLIP models side by side, then those of T5, or zeros.

    Args:
        clips: The CLIP models.
        t5: The T5 model, if there is one.
        width: Of a token; narrower ones are filled up with zeros.
    """

    clips: Sequence[Reader]
    t5: Reader | None
    width: int

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks that read, as the folder counts them."""
        return tuple(reader.network for reader in (*self.clips, self.t5) if reader is not None)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the rows; see :class:`limn.kernel.predictor.Encoder`."""
        import torch
        import torch.nn.functional as F

        from limn.kernel.predictor import Conditioning

        clips = [reader.encode(asks) for reader in self.clips]
        both = torch.cat([rows.tokens for rows in clips], -1)
        both = F.pad(both, (0, self.width - both.shape[-1]))
        if self.t5 is None:
            words, mask = both.new_zeros(len(asks), WORDS, self.width), clips[0].mask.new_zeros(len(asks), WORDS)
        else:
            read = self.t5.encode(asks)
            words, mask = read.tokens, read.mask
        pooled = torch.cat([rows.extras["pooled"] for rows in clips], -1)
        return Conditioning(torch.cat([both, words], 1), torch.cat([clips[0].mask, mask], 1), {"pooled": pooled})

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token; a word may stand in both halves."""
        return self.clips[0].spans(text) + (self.t5.spans(text) if self.t5 is not None else [(0, 0)] * WORDS)

    def unread(self, text: str) -> str:
        """Return the end of a text that no model reads."""
        return min((reader.unread(text) for reader in (*self.clips, self.t5) if reader is not None), key=len)


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow."""
    answer: Tensor = model(
        hidden_states=x,
        timestep=time,
        encoder_hidden_states=conditioning.tokens,
        pooled_projections=conditioning.extras["pooled"],
        return_dict=False,
    )[0]
    return answer
