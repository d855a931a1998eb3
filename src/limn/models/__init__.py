"""One family, one file: how a model folder becomes a generator.

A name stands for a folder of weights shipped with limn; anything else is a path. Nothing here imports torch until
a model is loaded.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError, unknown_name

if TYPE_CHECKING:
    from limn.encoders.familiar import Vocabulary
    from limn.kernel.adapter import Beside
    from limn.kernel.generator import Generator

__all__ = ["describe", "load", "locate", "names", "vocabulary"]

SHIPPED = Path(__file__).parents[1] / "weights"


def names() -> list[str]:
    """Return the names of the models shipped with limn."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def locate(model: str | Path) -> Path:
    """Return the folder or file of a model.

    Args:
        model: A shipped model's name, a folder, or a safetensors file.

    Raises:
        InputError: If there is no such model; the message has the nearest name.
    """
    shipped = SHIPPED / str(model)
    if str(model) in names():
        return shipped
    path = Path(model).expanduser()
    if path.exists():
        return path
    raise unknown_name("model", str(model), names())


def load(model: str | Path = "emoji", *, device: str = "cpu") -> Generator:
    """Load a model.

    Args:
        model: A shipped model's name, the folder of a limn or Stable Diffusion model, or a safetensors file.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.

    Raises:
        InputError: If there is no such model.
        WeightsError: If its files are damaged, unsafe or do not fit each other.
    """
    generator = _load(model, device)
    generator.others.load = partial(_beside, generator, device)
    return generator


def _beside(own: Generator, device: str, name: str) -> Generator | Beside:
    """Load what a guidance asks beside a model: a low-rank change to it, or another model."""
    from limn.models.adapters import beside

    return beside(own, name) or load(name, device=device)


def _load(model: str | Path, device: str) -> Generator:
    path = locate(model)
    if path.is_file() or (path / "model_index.json").exists():
        from limn.models import stable_diffusion

        return stable_diffusion.load(path, device=device)
    if (path / "config.json").exists():
        from limn.models import muse, native, parti

        family = read_json(path / "config.json").get("family", "native")
        families = {"native": native.load, "muse": muse.load, "parti": parti.load}
        if not isinstance(family, str) or family not in families:
            raise WeightsError(f"{path / 'config.json'}: {unknown_name('family', str(family), families)}")
        return families[family](path, name=str(model), device=device)
    raise WeightsError(f"{path}: neither config.json nor model_index.json is in it; give a model folder")


def vocabulary(model: str | Path) -> Vocabulary | None:
    """Return the words that a model has learned; None where its folder does not say.

    Raises:
        WeightsError: The list is damaged.
    """
    from limn.encoders.familiar import Vocabulary

    try:
        return Vocabulary.of(locate(model))
    except InputError:
        return None


def describe(model: str) -> dict[str, Any]:
    """Return what a shipped model's ``card.json`` says: what it draws, size, licence, figures.

    Raises:
        InputError: If there is no such model.
    """
    card = locate(model) / "card.json"
    return read_json(card) if card.exists() else {}
