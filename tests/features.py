"""What limn can do with a checkpoint, tried one by one: the cells of the table in docs/checkpoints."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from limn.edit.inpaint import Inpaint
from limn.edit.outpaint import Outpaint
from limn.edit.sdedit import SDEdit
from limn.guidance.nag import NAG
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.prompt import Prompt, Region
from limn.kernel.request import Request
from limn.networks.weights import write_tensors

PAGE = Path(__file__).parents[1] / "docs" / "checkpoints" / "README.md"
TEXT = "a red heart and a blue cat"
PLACED = Prompt(TEXT, regions=(Region(words="a blue cat", box=(0.5, 0.0, 1.0, 1.0)),))
YES = "yes"

Try = Callable[["Bench"], bool]


class Bench:
    """A model on which features are tried.

    Args:
        generator: The model.
        folder: Where files may be made.
    """

    def __init__(self, generator: Generator, folder: Path) -> None:
        self.generator, self.folder = generator, folder
        self.size = (8 * generator.stages[0].codec.multiple,) * 2
        self.plain = self.drawn(guidance=[])
        self.picture = np.random.default_rng(0).integers(0, 256, (*self.size, 3), dtype=np.uint8)

    def drawn(self, prompt: Any = TEXT, **given: Any) -> Tensor:
        """The last state of one picture, of two steps."""
        request = self.generator.request(prompt, steps=2, size=self.size, **given)
        states = [event.state.x for event in self.generator.draw(request) if isinstance(event, Progress)]
        return states[-1]

    def differs(self, state: Tensor, other: Tensor | None = None) -> bool:
        """Whether a finite state is not that of no guidance, or another one."""
        base = self.plain if other is None else other
        return bool(torch.isfinite(state).all()) and not torch.equal(state, base)

    def guided(self, *guides: str, prompt: Any = TEXT) -> bool:
        """Whether the last guidance changes what the others make."""
        parts = [parsed(guide) for guide in guides]
        return self.differs(self.drawn(prompt, guidance=parts), self.drawn(prompt, guidance=parts[:-1]))

    def lora(self) -> str:
        """A file with a change to one layer."""
        file = self.folder / "lora.safetensors"
        if not file.exists():
            network: Any = self.generator.stages[0].predictor.network  # type: ignore[attr-defined]
            layers = {name: layer for name, layer in network.module.named_modules() if isinstance(layer, nn.Linear)}
            name = next(name for name in layers if name.endswith(("to_q", "to_qkv_mlp_proj")))
            out, into = layers[name].weight.shape
            torch.manual_seed(0)
            down, up = torch.randn(4, into), torch.randn(out, 4)
            own = "unet" if type(network.module).__name__.startswith("UNet") else "transformer"
            write_tensors(file, {f"{own}.{name}.lora_A.weight": down, f"{own}.{name}.lora_B.weight": up})
        return str(file)


def parsed(text: str) -> Any:
    from limn.kernel import registry

    return registry.parse("guidance", text)


def _record(bench: Bench) -> bool:
    request = bench.generator.request(TEXT, steps=2, size=bench.size, scale=2.0)
    again = Request.from_record(request.record())
    states = [
        [event.state.x for event in bench.generator.draw(each) if isinstance(event, Progress)][-1]
        for each in (request, again)
    ]
    return request.key() == again.key() and torch.equal(*states)


def _neighbours(bench: Bench) -> bool:
    """An audit's questions drawn together are those drawn one by one."""
    request = bench.generator.request([TEXT, "a dog", "x"], n=2, steps=2, size=bench.size, scale=2.0)
    together = bench.generator.together(request, request.items())
    alone = [event for event in bench.generator.draw(request, batch=1) if isinstance(event, Picture)]
    levels = [abs(one.pixels.astype(int) - two.pixels).max() for one, two in zip(together, alone, strict=True)]
    return max(levels) <= 1 and len({picture.pixels.tobytes() for picture in alone}) == 6


def _regional_lora(bench: Bench) -> bool:
    placed = Prompt(TEXT, regions=(Region(words="a blue cat", box=(0.5, 0.0, 1.0, 1.0), adapter=bench.lora()),))
    everywhere, there = bench.drawn(adapter=[bench.lora()], guidance=[]), bench.drawn(placed, guidance=[])
    return bench.differs(there) and bench.differs(there, everywhere)


def _lora(bench: Bench) -> bool:
    return bench.differs(bench.drawn(adapter=[bench.lora()], guidance=[]))


def _negative(bench: Bench) -> bool:
    return bench.differs(
        *(bench.drawn(guidance=[parsed(f"classifier_free:scale=3,against={word}")]) for word in "ab")
    )


FEATURES: Mapping[str, Try] = {
    "scale": lambda bench: bench.differs(*(bench.drawn(scale=scale) for scale in (2.0, 4.0))),
    "classifier_free": lambda bench: bench.guided("classifier_free:scale=3"),
    "negative prompt by classifier_free": _negative,
    "nag": lambda bench: bench.differs(bench.drawn(guidance=[NAG(against="a dog")])),
    "apg": lambda bench: bench.guided("apg:scale=3"),
    "cfg_zero": lambda bench: bench.guided("cfg_zero:scale=3"),
    "rescale": lambda bench: bench.guided("classifier_free:scale=3", "rescale"),
    "token_norm": lambda bench: bench.guided("classifier_free:scale=3", "token_norm"),
    "composed": lambda bench: bench.guided("composed:prompts=a dog,weights=1"),
    "sld": lambda bench: bench.guided("sld:concept=grey,warmup=0"),
    "pag": lambda bench: bench.guided("pag:scale=2"),
    "seg": lambda bench: bench.guided("seg:scale=2"),
    "seg:blur=1": lambda bench: bench.guided("seg:scale=2,blur=1"),
    "pag:mode=skip": lambda bench: bench.guided("pag:scale=2,mode=skip"),
    "autoguidance": lambda bench: bench.guided("autoguidance:scale=2"),
    "structured": lambda bench: bench.guided("structured:parser=rules"),
    "token_weights": lambda bench: bench.guided("token_weights", prompt="a (red:1.5) heart and a blue cat"),
    "paint_with_words": lambda bench: bench.guided("paint_with_words:strength=1", prompt=PLACED),
    "regional": lambda bench: bench.guided("regional", prompt=PLACED),
    "LoRA": _lora,
    "LoRA of a region": _regional_lora,
    "inpaint": lambda bench: bench.differs(bench.drawn(edit=Inpaint.box(bench.picture, (0.0, 0.0, 0.5, 1.0)))),
    "outpaint": lambda bench: bench.differs(
        bench.drawn(edit=Outpaint.of(bench.picture[:, : bench.size[1] // 2], "right", bench.size[1] // 2))
    ),
    "sdedit": lambda bench: bench.differs(bench.drawn(edit=SDEdit.of(bench.picture, strength=0.9))),
    "records that bring a picture back": _record,
    "audits: many questions in one batch": _neighbours,
}
"""Each feature, and how it is seen to act."""


def tried(generator: Generator, folder: Path) -> dict[str, str]:
    """Try every feature: ``yes``, or why not."""
    bench, cells = Bench(generator, folder), {}
    for name, attempt in FEATURES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                cells[name] = YES if attempt(bench) else "changes nothing"
        except InputError as error:
            cells[name] = re.split(r"[;:(]", str(error).removeprefix("guidance: ").replace("guidance ", "", 1))[
                0
            ].strip()
    return cells


def column(page: str, family: str) -> dict[str, str]:
    """The cells of a family in the page's table."""
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    if family not in rows[0]:
        return {}
    place = rows[0].index(family)
    return {row[0].strip("`"): row[place] for row in rows[2:]}


def written(page: str, family: str, cells: Mapping[str, str]) -> str:
    """The page with a family's column as it was tried."""
    lines = page.splitlines()
    table = [line for line in lines if line[:1] == "|"]
    names = [cell.strip() for cell in table[0].strip("| ").split("|")] if table else ["feature"]
    columns = {name: column(page, name) for name in names[1:]} | {family: dict(cells)}
    order = sorted(columns)
    rows = [["feature", *order], ["---"] * (1 + len(order))]
    rows += [[name, *(columns[one].get(name, "") for one in order)] for name in FEATURES]
    new = ["| " + " | ".join(row) + " |" for row in rows]
    first = next((place for place, line in enumerate(lines) if line[:1] == "|"), len(lines))
    rest = [line for line in lines[first:] if line[:1] != "|"]
    return "\n".join([*lines[:first], *new, *rest]) + "\n"


def check(generator: Generator, folder: Path, family: str) -> None:
    """Check that the page says of a family what was tried just now; with LIMN_WRITE it is made to."""
    cells = tried(generator, folder)
    if os.environ.get("LIMN_WRITE"):
        PAGE.write_text(written(PAGE.read_text("utf-8"), family, cells), "utf-8")
    assert column(PAGE.read_text("utf-8"), family) == cells, "write it with LIMN_WRITE=1"
