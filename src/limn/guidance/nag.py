"""NAG: negative prompts inside attention, for models whose guidance is distilled away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite, attend
from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

_TINY = 1e-7


@dataclass(frozen=True, kw_only=True)
class NAG(Guidance):
    """Lead each attention to words away from what a negative prompt makes of it (Chen et al. 2025, section 3).

    ``Z`` is what the picture's tokens get from an attention with the prompt's words, ``Z'`` with the negative ones.
    With ``G = scale * Z - (scale - 1) * Z'`` and ``r`` the ratio of their lengths, ``|G| / |Z|`` (sums of magnitudes
    over all heads), they get ``alpha * min(r, tau) / r * G + (1 - alpha) * Z``. The negative prompt is a row of the
    same forward, whose picture is given the same, so that it stays the prompt's own picture. Where the network also
    reads one vector of a whole prompt (FLUX.1, Stable Diffusion 3), that row reads its own.

    It does not ask for a second answer: models of few steps, which classifier-free guidance breaks, can be told what
    to keep away from. A model in which no attention sees words is refused.

    Args:
        against: What the picture should keep away from; the empty text stands for no words.
        scale: From 1 (nothing changes) to 100.
        tau: Greatest ratio of the lengths, at least 1.
        alpha: How much of the guided attention is taken, from 0 (nothing) to 1.

    >>> NAG(against="blurry").scale
    5.0
    """

    paper: ClassVar[str] = "chen2025nag"
    aliases: ClassVar[tuple[str, ...]] = ("normalized_attention_guidance",)
    rank: ClassVar[Rank] = Rank.BOUND
    space: ClassVar[str] = "any"

    against: str = ""
    scale: float = 5.0
    tau: float = 2.5
    alpha: float = 0.25

    def __post_init__(self) -> None:
        Prompt(self.against)
        self.check("scale", 1, 100)
        self.check("tau", 1, 1000)
        self.check("alpha", 0, 1)

    @property
    def adaptive(self) -> bool:
        """Each picture's two rows are told apart from other pictures'."""
        return True

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Pair the words' own answer with a row that reads the negative prompt."""
        main = branches["main"]
        if self.scale == 1 or self.alpha == 0 or "text" in main.drop:
            return branches
        pair = Paired(scale=float(self.scale), tau=float(self.tau), alpha=float(self.alpha))
        picture = step.picture or 0
        led = main.edited(Side(picture=picture, leads=True, group=pair))
        other = replace(main.against(self.against), attention=Side(picture=picture, leads=False, group=pair))
        return {"main": led, "nag": other, **{name: branches[name] for name in branches if name != "main"}}


@dataclass(frozen=True, kw_only=True)
class Paired(AttentionEdit):
    """The attention of pairs of rows, one with a prompt and one with what it is led away from.

    Args:
        scale: As in :class:`NAG`.
        tau: Likewise.
        alpha: Likewise.
    """

    scale: float
    tau: float
    alpha: float

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite) -> Tensor:
        """Attend each row by itself, and give the picture's tokens of both rows of a pair what leads away."""
        sides = [edit for edit in site.edits if isinstance(edit, Side)]
        out = attend(
            query, key, value, mask=mask, edits=[side.inner for side in sides], site=replace(site, edits=())
        )
        if not _words(site):  # only the rows' own edits act here
            return out
        leading, other = _pairs(sides)
        words, against = out[leading][:, :, site.image], out[other][:, :, site.image]
        guided = self.scale * words - (self.scale - 1) * against
        own, far = (part.abs().sum((1, 3), keepdim=True) for part in (words, guided))
        ratio = far / (own + _TINY)
        mixed = self.alpha * guided * (ratio.clamp(max=self.tau) / ratio.clamp(min=_TINY)) + (1 - self.alpha) * words
        for rows in (leading, other):
            out[rows, :, site.image] = mixed.to(out)
        return out


@dataclass(frozen=True, kw_only=True)
class Side(AttentionEdit):
    """One row of a pair.

    Args:
        picture: Which picture of the batch the pair is about.
        leads: Whether it is the row with the prompt.
        group: What computes them together.
        inner: The row's own edit besides.
    """

    picture: int
    leads: bool
    group: Paired
    inner: AttentionEdit | None = None
    _acted: list[bool] = field(default_factory=list, compare=False, repr=False)

    def joined(self, other: AttentionEdit) -> AttentionEdit:
        """Return the row with a further edit of its own."""
        return replace(self, inner=other if self.inner is None else self.inner.joined(other))

    def before(self, earlier: AttentionEdit) -> AttentionEdit:
        """Return the row with an edit of its own that it had before."""
        return replace(self, inner=earlier if self.inner is None else earlier.joined(self.inner))

    def skips(self, site: AttentionSite) -> bool:
        """Say whether the row's own edit skips the layer."""
        return self.inner is not None and self.inner.skips(site)

    def touches(self, site: AttentionSite) -> bool:
        """Act where the picture attends to words, and where the row's own edit does."""
        return _words(site) or (self.inner is not None and self.inner.touches(site))

    def acts(self, site: AttentionSite | None) -> None:
        """Note that it acted."""
        if site is None or _words(site):
            self._acted.append(True)

    def check(self) -> None:
        """Refuse a network in which it did not."""
        if not self._acted:
            raise InputError("guidance nag: no attention of this model sees words, so it would change nothing")
        self._acted.clear()


def _words(site: AttentionSite) -> bool:
    return site.text is not None and site.kind in ("cross", "joint")


def _pairs(edits: Sequence[Side]) -> tuple[list[int], list[int]]:
    """Return the rows that lead, and those that they are led away from, picture by picture."""
    sides: dict[bool, dict[int, list[int]]] = {True: {}, False: {}}
    for row, side in enumerate(edits):
        sides[side.leads].setdefault(side.picture, []).append(row)
    counts = [{picture: len(rows) for picture, rows in own.items()} for own in sides.values()]
    if counts[0] != counts[1]:
        raise InputError("guidance nag: both rows of a picture must be in one forward; allow more rows (--max-rows)")
    pictures = list(sides[True])
    return [row for one in pictures for row in sides[True][one]], [
        row for one in pictures for row in sides[False][one]
    ]
