"""One question to the model; equal questions are asked once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from limn.kernel.attention import AttentionEdit
from limn.kernel.prompt import Prompt


@dataclass(frozen=True)
class Branch:
    """One question to the model at one step.

    Args:
        prompt: What is said.
        drop: Parts of the conditioning left out, for example ``{"text"}``.
        adapter: Name of the weights that answer; ``None`` means the model as loaded.
        carries: Names of changes to those weights that this question's row carries besides.
        attention: A change to this row's attention.
        knobs: Numbers that the network reads beside the prompt, by name, such as a guidance scale that was distilled
            into it; sorted.
        gradient: Whether a guidance differentiates the answer with respect to the noisy state.
    """

    prompt: Prompt
    drop: frozenset[str] = frozenset()
    adapter: str | None = None
    attention: AttentionEdit | None = None
    gradient: bool = False
    carries: tuple[str, ...] = ()
    knobs: tuple[tuple[str, float], ...] = ()

    @property
    def changes(self) -> tuple[str, ...]:
        """Names of all that answers in place of the model as loaded, or beside it, sorted."""
        return tuple(sorted({*self.carries, *([self.adapter] if self.adapter else [])}))

    def saying(self, text: str) -> Branch:
        """Return the question about another text; an attention edit made for the old words is left out."""
        return replace(self, prompt=self.prompt.saying(text), attention=None, drop=self.drop - {"text"})

    def against(self, text: str) -> Branch:
        """Return the question about what is not wanted: a text without the model's own instruction, or no words.

        >>> sorted(Branch(Prompt("a heart")).against("blurry").drop)
        ['instruction']
        """
        return self.saying(text).without("instruction") if text else self.without("text")

    def without(self, part: str) -> Branch:
        """Return the question with a part of the conditioning left out.

        >>> sorted(Branch(Prompt("a heart")).without("text").drop)
        ['text']
        """
        edit = None if part == "text" else self.attention
        return replace(self, drop=self.drop | {part}, attention=edit)

    def edited(self, edit: AttentionEdit) -> Branch:
        """Return the question with a change to its attention, after those it has."""
        return replace(self, attention=edit if self.attention is None else self.attention.joined(edit))


Branches = dict[str, Branch]
"""Questions by name; ``"main"`` is the one whose answer the sampler gets."""
