"""Sana and Sana-Sprint (Xie et al. 2024, arXiv:2410.10629; Chen et al. 2025, arXiv:2503.09641), read by Gemma 2.

Self-attention is linear: there is no matrix of scores that an edit could change. Cross-attention is as in others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import Rule, number, one_of, whole
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.sampler import Sampler

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Ask, Conditioning
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader

INSTRUCTION: Final = "\n".join((
    "Given a user prompt, generate an 'Enhanced prompt' that provides detailed visual descriptions suitable for "
    "image generation. Evaluate the level of detail in the user prompt:",
    "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial "
    "relationships to create vivid and concrete scenes.",
    "- If the prompt is already detailed, refine and enhance the existing details slightly without "
    "overcomplicating.",
    "Here are examples of how to transform or refine prompts:",
    "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping "
    "peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.",
    "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street "
    "lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass "
    "skyscrapers.",
    "Please generate only the enhanced description for the prompt below and avoid including any additional "
    "commentary or evaluations:",
    "User Prompt: ",
))  # fmt: skip
"""What Gemma reads before a prompt; published with the model, whose words it decides."""

LIMIT, SCALE = 300, 4.5
_MIDDLE: Final = 1.3  # where the second of two steps begins, as an angle
_START: Final = 1.57080

_CLASSES: Final = {
    "scheduler": ("DPMSolverMultistepScheduler", "FlowMatchEulerDiscreteScheduler", "SCMScheduler"),
    "text_encoder": ("Gemma2Model", "Gemma2ForCausalLM"),
    "tokenizer": ("GemmaTokenizer", "GemmaTokenizerFast"),
    "transformer": ("SanaTransformer2DModel",),
    "vae": ("AutoencoderDC",),
}
_DPM: Final[dict[str, Rule]] = {
    "algorithm_type": one_of("dpmsolver++"),
    "final_sigmas_type": one_of("zero"),
    "flow_shift": number(0.001, 1000),
    "prediction_type": one_of("flow_prediction"),
    "solver_order": one_of(2),
    "solver_type": one_of("midpoint"),
    "thresholding": one_of(False),
    "use_flow_sigmas": one_of(True),
}
_SCM: Final[dict[str, Rule]] = {"prediction_type": one_of("trigflow"), "num_train_timesteps": whole(1, 100_000)}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``SanaPipeline`` (20 steps, scale 4.5) or ``SanaSprintPipeline`` (2 steps).

    Sprint reads its guidance scale, 4.5.

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.guidance.embedded import Embedded
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, apart
    from limn.models.checkpoints.shared.codecs import DeepCoder
    from limn.models.checkpoints.shared.folder import Folder

    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype))
    model, vae = folder.network("transformer"), folder.network("vae")
    factor = 2 ** (len(vae.config.encoder_block_out_channels) - 1)
    blocks = [(block, {"attn1": "linear", "attn2": "cross"}) for block in model.transformer_blocks]
    schedule, sampler = _levels(folder)
    sprint = model.config.guidance_embeds
    return assembled(
        folder,
        encoder=_encoder(folder),
        network=Transformer(
            model, blocks, apart, ask, patch=model.config.patch_size,
            words=lambda tokens: model.caption_norm(model.caption_projection(tokens)),
        ),
        coder=DeepCoder(vae, vae.config.latent_channels, factor),
        std=(1 / vae.config.scaling_factor,),
        schedule=schedule,
        usual=Usual(steps=2, sampler=sampler, guidance=Embedded(scale=SCALE))
        if sprint
        else Usual(steps=20, scale=SCALE, sampler=sampler),
        side=model.config.sample_size * factor,
        patch=model.config.patch_size,
    )  # fmt: skip


def _levels(folder: Folder) -> tuple[Any, str]:
    """Return the noise levels, and the sampler of the scheduler."""
    from limn.models.checkpoints.shared.flow import RULES, Scheduled, schedule_of

    kind = folder.index["scheduler"][1]
    if kind == "SCMScheduler":
        folder.fields("scheduler", _SCM)
        return Angles(), "lcm"
    if kind == "FlowMatchEulerDiscreteScheduler":
        return schedule_of(folder.fields("scheduler", RULES), patch=1, trailing=False), "euler"
    from diffusers import DPMSolverMultistepScheduler

    fields = folder.fields("scheduler", _DPM)

    def scheduler(**options: Any) -> Any:
        return DPMSolverMultistepScheduler.from_config({**fields, **options})

    return Scheduled(scheduler=scheduler, trailing=False), "dpmpp_2m"


def _encoder(folder: Folder) -> Instructed:
    from limn.models.checkpoints.shared.language import Reader

    tokenizer, network = folder.tokenizer("tokenizer"), folder.network("text_encoder")
    tokenizer.padding_side = "right"
    before = len(tokenizer.encode(INSTRUCTION))
    return Instructed(
        asked=Reader(
            tokenizer, network, limit=before + LIMIT - 2, template=INSTRUCTION + "{}", lower=True,
            kept=(0, *range(1 - LIMIT, 0)),
        ),
        plain=Reader(tokenizer, network, limit=LIMIT, lower=True),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Instructed:
    """Prompts are read after an instruction; what is not wanted, and the empty text, without.

    Args:
        asked: Reads prompts.
        plain: Reads the others.
    """

    asked: Reader
    plain: Reader

    @property
    def models(self) -> tuple[Any, ...]:
        """The network that reads."""
        return self.asked.models

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the rows; see :class:`limn.kernel.predictor.Encoder`."""
        from limn.kernel.predictor import Conditioning

        groups: dict[bool, list[int]] = {}
        for row, own in enumerate(asks):
            groups.setdefault(own.drop.isdisjoint({"instruction", "text"}), []).append(row)
        parts = [
            (self.asked if asked else self.plain).encode([asks[row] for row in rows])
            for asked, rows in groups.items()
        ]
        order = [row for rows in groups.values() for row in rows]
        return Conditioning.stack(parts).pick([order.index(row) for row in range(len(asks))])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token."""
        return self.asked.spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.asked.unread(text)


@dataclass(frozen=True)
class Angles:
    """Levels of a network distilled on angles from pi/2 to 0 (Chen et al. 2025), as those of the flow that it asks.

    A state ``cos a * clean + sin a * noise``, over ``cos a + sin a``, is that of a flow at
    ``sin a / (cos a + sin a)``.
    """

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels, the last one clean.

        Raises:
            InputError: There is no step, or a spacing is named.
        """
        if steps < 1 or spacing:
            named = f"spacing: {spacing[:40]!r}" if spacing else f"steps: {steps}"
            raise InputError(f"{named} is not allowed; give 1 or more steps and no spacing")
        angles = [_START, _MIDDLE] if steps == 2 else [_START * (1 - step / steps) for step in range(steps)]
        times = [math.sin(angle) / (math.cos(angle) + math.sin(angle)) for angle in angles]
        return (*(Level(max(1 - time, 0.0), min(time, 1.0), time) for time in times), Level(1.0, 0.0, 0.0))

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return the factor from unit noise to the state at the first level."""
        return 1 / (math.cos(_START) + math.sin(_START))


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow; filling of the text is masked."""
    from limn.guidance.embedded import KNOB

    own = model.config
    told = {}
    if own.guidance_embeds:
        scale = conditioning.extras.get(KNOB, x.new_full((len(x),), SCALE)).nan_to_num(SCALE)
        told["guidance"] = scale * own.guidance_embeds_scale
    answer: Tensor = model(
        x,
        encoder_hidden_states=conditioning.tokens,
        encoder_attention_mask=conditioning.mask.long(),
        timestep=time if own.guidance_embeds else time * own.timestep_scale,
        return_dict=False,
        **told,
    )[0]
    return answer[:, : x.shape[1]]
