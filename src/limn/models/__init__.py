"""One family, one file: how a model folder becomes a generator.

A name stands for a folder of weights shipped with limn, or for a model that an installed package adds
(:mod:`limn.models.plugins`); anything else is a path. Nothing here imports torch until a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.io.configurations import read_json
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError, unknown_name
from limn.kernel.model_names import split_name, with_options
from limn.models.locating import find, pulled, repository, snapshot
from limn.models.plugins import plugin

if TYPE_CHECKING:
    from limn.encoders.familiar import Vocabulary
    from limn.kernel.adapter import Beside
    from limn.kernel.completion import Fold
    from limn.kernel.generator import Generator
    from limn.kernel.request import Request

__all__ = ["FAMILIES", "SHIPPED", "describe", "folds", "load", "locate", "names", "shipped", "solid", "vocabulary"]

SHIPPED = Path(__file__).parents[1] / "weights"
FAMILIES = ("native", "muse", "parti", "conditioned", "glide")
"""limn's own: modules of this package."""


def names() -> list[str]:
    """Return the names of all models: those shipped with limn, and those that installed packages add."""
    return sorted({*shipped(), *registry.plugins("models")})


def shipped() -> list[str]:
    """Return the names of the models shipped with limn."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def locate(model: str | Path) -> Path:
    """Return the folder or file of a model.

    Args:
        model: A shipped model's name, a folder, a safetensors file, or ``OWNER/NAME`` of what was pulled.

    Raises:
        InputError: If there is no such model; the message has the nearest name.
    """
    name, _ = split_name(str(model))
    if name in shipped():
        return SHIPPED / name
    path = Path(name).expanduser()
    if path.exists():
        return snapshot(path) if path.is_dir() else path
    if (files := pulled(name)) is not None:
        return files
    if repository(name) is not None:
        raise InputError(f"model {name!r}: is not here; get it with: limn pull {name}")
    raise unknown_name("model", name, names())


def load(model: str | Path = "emoji", *, device: str = "cpu") -> Generator:
    """Load a model.

    Args:
        model: A name of :func:`names`, the folder of a limn or Stable Diffusion model, or a safetensors file.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.

    Raises:
        InputError: If there is no such model.
        WeightsError: If its files are damaged, unsafe or do not fit each other.
    """
    generator = _load(model, device)
    generator.others.load = partial(_beside, generator, device)
    generator.folds = folds(generator.name)
    return generator


def _beside(own: Generator, device: str, name: str) -> Generator | Beside:
    """Load what a guidance asks beside a model: a low-rank change to it, or another model."""
    from limn.models.adapters import beside, check_adapter

    change = beside(own, name)
    if change is None and name.partition(":")[0].endswith(".safetensors"):
        check_adapter(name, models=True)
    return change or load(name, device=device)


def folds(model: str) -> dict[str, Fold]:
    """Return what a model of this name takes up of a request before anything is drawn, in order."""
    from limn.models.adapters import adapted
    from limn.text.reading import FOLDS

    return {**FOLDS, "retrieve": _retrieved, "familiar": partial(_familiar, model), "adapter": adapted}


def _retrieved(request: Request) -> Request:
    """Look neighbours up; what does it is loaded only where it is asked for."""
    if not request.retrieve:
        return request
    from limn.retrieve.lookup import retrieved

    return retrieved(request)


def _familiar(model: str, request: Request) -> Request:
    """Read words that a model never learned as the nearest thing that it did."""
    from limn.models.adapters import taught

    if not request.familiar:
        return request
    known = vocabulary(model)
    if known is None:
        raise InputError(f"familiar: {model} does not say which words it has learned; leave this out")
    learned = taught(request)
    read = request.rewritten(lambda text: known(text, learned).text)
    return replace(read, negative=request.negative, familiar=False)


def _load(model: str | Path, device: str) -> Generator:
    name = str(model)
    added = None if name in shipped() else plugin("models", name)
    if added is not None:
        generator: Generator = added(device=device)
        generator.name = name
        return generator
    path, (base, options) = locate(model), split_name(name)
    if path.is_file() or (path / "model_index.json").exists():
        from limn.models import checkpoints
        from limn.models.adapters import is_adapter

        if path.suffix == ".safetensors" and is_adapter(str(path)):
            raise InputError(
                f"model {name[:200]}: holds changes to a model or learned words; name it with --adapter"
            )

        if "refiner" in options:
            options["refiner"] = str(locate(options["refiner"]))
        generator = checkpoints.load(path, device=device, **checkpoints.read_options(options))
        kept = {own: value for own, value in options.items() if own != "preview"}
        generator.name = with_options(base, **kept) if kept or repository(base) or find(base) else generator.name
        return generator
    if options:
        raise InputError(f"model {name[:200]!r}: {path.name} takes no options; leave {next(iter(options))} out")
    if (path / "config.json").exists():
        return _family(path / "config.json")(path, name=name, device=device)  # type: ignore[no-any-return]
    files = ", ".join(sorted(file.name for file in path.glob("*.safetensors"))[:4])
    remedy = "give a model folder" + (f", or one of its files: {files}" if files else "")
    raise WeightsError(f"{path}: neither config.json nor model_index.json is in it; {remedy}")


def _family(config: Path) -> Callable[..., Any]:
    """Return what loads a folder of the family that its configuration names."""
    family = str(read_json(config).get("family", "native"))
    if family in FAMILIES:
        return import_module(f"limn.models.{family}").load  # type: ignore[no-any-return]
    added = plugin("families", family)
    if added is None:
        raise WeightsError(f"{config}: {unknown_name('family', family, [*FAMILIES, *registry.plugins('families')])}")
    return added


def solid(model: str) -> bool:
    """Say whether a model's folder says that it draws things in three dimensions.

    Raises:
        InputError: If there is no such model.
    """
    if model in registry.plugins("models") and model not in shipped():
        return bool(describe(model).get("solid"))
    config = locate(model) / "config.json"
    return config.is_file() and "triplane" in read_json(config)


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
    """Return what a model's ``card.json`` says, or its package: what it draws, size, licence, figures.

    Raises:
        InputError: If there is no such model.
    """
    added = registry.plugins("models").get(model)
    if added is not None and model not in shipped():
        package = registry.package(added)
        return {"draws": f"see {package}", "package": package, **getattr(registry.load("models", model), "card", {})}
    card = locate(model) / "card.json"
    return read_json(card) if card.exists() else {}
