"""What a request or a guidance names beside a model: learned words and changes to its layers, from one file."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.files import sha256_of
from limn.kernel.errors import AdapterWarning, InputError, WeightsError
from limn.kernel.options import weighed
from limn.kernel.prompt import Region
from limn.kernel.request import Request
from limn.models import locating

if TYPE_CHECKING:
    from torch import Tensor, nn

    from limn.kernel.adapter import Beside, RowAdapter
    from limn.kernel.generator import Generator
    from limn.kernel.stage import Stage
    from limn.networks.low_rank import Change, Layer, LowRank
    from limn.personalise.learned import Learned

_SIGNS: Final = ("lora", "hada_w", "lokr_w", "bundle_emb.", "limn.")
TEXT: Final = "text_encoder"
"""What the changes to a text encoder are called."""

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"unet": ("transformer",), f"{TEXT}_3": (f"{TEXT}_2",)}
"""Kohya's scripts call every network that answers unet, and T5 the third text encoder, which is FLUX.1's second."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuned:
    """What a file changes at one stage; see :class:`limn.kernel.adapter.RowAdapter` and ``TextAdapter``.

    Args:
        network: Changes to the network that answers.
        text: Changes to the text encoder's network.
        words: Vectors (n, width) of each learned word.
        further: What the method that learned it adds to the network.
    """

    network: LowRank
    text: LowRank
    words: Mapping[str, Tensor] = field(default_factory=dict)
    further: RowAdapter | None = None

    @contextmanager
    def on(self, predictor: Any) -> Iterator[Any]:
        """Let all rows of every forward have the changes."""
        with self.network.on(predictor), self.further.on(predictor) if self.further else nullcontext():
            yield predictor

    @contextmanager
    def among(self, rows: Sequence[int]) -> Iterator[None]:
        """Let these rows of every forward have the changes, and no others."""
        with self.network.among(rows), self.further.among(rows) if self.further else nullcontext():
            yield

    def reading(self) -> AbstractContextManager[None] | None:
        """Return a context in which the text encoder has other weights; None where it keeps its own."""
        return self.text.on(None) if self.text.updates else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Matched:
    """How a learned thing fits a model.

    Args:
        layers: By the place of a stage and of the network in it, that which answers and then those which read:
            changes of layers, and those layers.
        words: By the place of a stage: vectors (n, width) of each word that its encoder can read.
        unexpected: Names in the file that nothing in the model takes, with the reason where there is one.
        missing: Words for which the file has no vectors of the encoder's width.
        misshapen: Whether a layer of that name has another shape, so that it was made for another model.
    """

    layers: Mapping[tuple[int, int], tuple[Mapping[str, Change], Mapping[str, Layer]]]
    words: Mapping[int, Mapping[str, Tensor]]
    unexpected: tuple[str, ...]
    missing: tuple[str, ...]
    misshapen: bool

    @property
    def matched(self) -> int:
        """Layers and words that fit."""
        words = {word for known in self.words.values() for word in known}
        return sum(len(layers) for _, layers in self.layers.values()) + len(words)

    def __str__(self) -> str:
        some = [*self.unexpected, *self.missing][:2]
        counts = f"{self.matched} matched, {len(self.missing)} missing, {len(self.unexpected)} unexpected"
        return counts + (f" ({', '.join(name[:120] for name in some)})" if some else "")


def beside(own: Generator, name: str) -> Beside | None:
    """Read what a file changes in a model.

    Args:
        own: The model that it changes.
        name: A safetensors file, a folder that peft wrote, or what was pulled; perhaps with a weight, as
            ``zorp.safetensors:0.8``.

    Returns:
        The change, or ``None`` when the name stands for something else.

    Raises:
        InputError: It has words only, and a weight.
        WeightsError: The file is damaged, unsafe or was made for another model.
    """
    from limn.kernel.adapter import Beside

    given, weight = weighed(name)
    if not is_adapter(given):
        return None
    from limn.networks.low_rank import LowRank, fitted
    from limn.personalise.learned import PEFT, file_of, read

    path = file_of(locating.adapter(given))
    learned = read(path)
    fits = match(own, learned)
    _check(own, path, learned, fits)
    if weight != 1 and not any(learned.changes.values()):
        raise InputError(
            f"adapter {name[:200]}: a word has no weight here; weigh it in the prompt with token_weights"
        )
    files = [file for file in (path, path.with_name(PEFT[1])) if file.exists() and path.name == PEFT[0]] or [path]
    weights = hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()

    def changes(place: int, *, text: bool) -> LowRank:
        own = [fit for (stage, network), fit in fits.layers.items() if stage == place and bool(network) == text]
        return LowRank({layer: new for some in own for layer, new in fitted(*some, weight).updates.items()})

    tuned = [
        Tuned(
            network=changes(place, text=False), text=changes(place, text=True), words=fits.words.get(place, {}),
            further=_further(own.stages[place], path, learned, weight) if place == 0 and learned.extra else None,
        )
        for place in range(len(own.stages))
    ]  # fmt: skip
    return Beside(weights=weights if len(files) > 1 else sha256_of(path), adapters=tuned)


def is_adapter(name: str) -> bool:
    """Say whether a name stands for the file of something learned, by how it looks; models are files too.

    Raises:
        WeightsError: It is a file of tensors, and damaged or unsafe.
    """
    from limn.networks.weights import read_header
    from limn.personalise.learned import file_of
    from limn.personalise.words import MAX_VECTORS

    path = file_of(locating.adapter(name))
    if path.suffix != ".safetensors" or not path.is_file():
        return False
    header = read_header(path)
    if any(sign in name for name in header for sign in _SIGNS):
        return True
    shapes = [shape for _, shape in header.values()]
    return bool(shapes) and all(len(shape) == 1 or (len(shape) == 2 and shape[0] <= MAX_VECTORS) for shape in shapes)


def match(own: Generator, learned: Learned) -> Matched:
    """Find what in a model a learned thing belongs to."""
    from limn.networks.low_rank import fit

    layers: dict[tuple[int, int], tuple[Mapping[str, Change], Mapping[str, Layer]]] = {}
    unexpected, misshapen = [*learned.unread], False
    networks = _networks(own)
    for network, changes in learned.changes.items():
        one = {network, *_ALSO.get(network, ())}
        wanted = [key for key, (named, _) in networks.items() if named in one or not network]
        changes = _modern(changes, networks[wanted[0]][1]) if wanted else changes
        fits = {key: fit(changes, networks[key][1]) for key in wanted}
        best = max(fits, key=lambda key: len(fits[key].layers), default=None)
        if best is None:
            unexpected += [f"{network}.{name}" for name in changes]
            continue
        misshapen |= bool(fits[best].misshapen)
        unexpected += [*fits[best].unknown, *(f"{name}: {why}" for name, why in fits[best].misshapen.items())]
        layers[best] = (changes, fits[best].layers)
    words, missing, extra = _words(own.stages, learned.words)
    return Matched(
        layers=layers, words=words, unexpected=(*unexpected, *extra), missing=missing, misshapen=misshapen
    )


def adapted(request: Request) -> Request:
    """Return a request whose adapters, and those of its prompts' regions, are a guidance; what was pulled is pinned.

    Raises:
        InputError: One is not there, or is no file of something learned.
    """
    if not (names := _named(request)):
        return request
    from limn.guidance.adapted import Adapted

    for name in names:
        check_adapter(name)
    request = _pinned(request)
    part = Adapted(adapter=request.adapter, parts_of=tuple(_named(request)[len(request.adapter) :]))
    if request.guidance is not None:
        return replace(request, adapter=(), guidance=(*request.guidance, part))
    return replace(request, adapter=(), guide=(*request.guide, part))


def taught(request: Request) -> list[str]:
    """Return the words that a request's adapters bring.

    Raises:
        InputError: As :func:`adapted`.
        WeightsError: A file is damaged or unsafe.
    """
    from limn.personalise.learned import read

    for name in _named(request):
        check_adapter(name)
    return [word for name in _named(request) for word in read(locating.adapter(weighed(name)[0])).words]


def _named(request: Request) -> list[str]:
    """Return the adapters of a request: those of all rows, then those of regions."""
    places = [place for prompt in request.prompts for place in prompt.regions]
    places += [place for place in request.region if isinstance(place, Region)]
    return [*request.adapter, *sorted({place.adapter for place in places if place.adapter})]


def _pinned(request: Request) -> Request:
    """Return a request whose adapters are named with their commits where they were pulled."""

    def pin(name: str) -> str:
        given = weighed(name)[0]
        return locating.pinned(given) + name.removeprefix(given)

    def anew(region: Any) -> Any:
        return (
            replace(region, adapter=pin(region.adapter)) if isinstance(region, Region) and region.adapter else region
        )

    prompts = tuple(replace(prompt, regions=tuple(map(anew, prompt.regions))) for prompt in request.prompts)
    adapter, region = map(pin, request.adapter), map(anew, request.region)
    return replace(request, prompts=prompts, adapter=tuple(adapter), region=tuple(region))


def check_adapter(name: str, *, models: bool = False) -> None:
    """Refuse what is no file of something learned.

    Args:
        name: A file, perhaps with a weight.
        models: Whether a whole model may stand in it.

    Raises:
        InputError: It is not there, or is something else.
        WeightsError: It is a pickle, damaged or unsafe.
    """
    from limn.networks.weights import read_header
    from limn.personalise.learned import file_of

    given, _ = weighed(name)
    path, named = file_of(locating.adapter(given)), locating.in_repository(given)
    if not path.exists():
        whole = named and (named[1] or not given.endswith(".safetensors"))
        remedy = f", or get it with: limn pull {given[:200]}" if whole else ""
        raise InputError(f"adapter {given[:200]}: no such file; check the path{remedy}")
    if path.is_dir() and not (path / "model_index.json").exists():
        raise InputError(f"adapter {given[:200]}: is a folder, without peft's files; name a safetensors file")
    if path.is_file():
        read_header(path)
    if not models and not is_adapter(given):
        raise InputError(f"adapter {given[:200]}: holds a whole model; load it with --model")


def _further(stage: Stage, path: Path, learned: Learned, weight: float) -> RowAdapter:
    """Return what the method that learned something adds to a network.

    Raises:
        WeightsError: No such method is here, or it adds nothing of that kind.
    """
    from limn.kernel import registry
    from limn.personalise.method import Method

    name, tensors = str(learned.record.get("method")), ", ".join(sorted(learned.extra))[:100]
    try:
        method = registry.find("learners", name)
    except InputError:
        method = Method
    further = method.further(network_of(stage), learned.extra, weight) if issubclass(method, Method) else None
    if further is None:
        raise WeightsError(
            f"{path}: needs {tensors} of the method {name[:60]!r}, which is not here; update limn or install it"
        )
    return further


def _check(own: Generator, path: Path, learned: Learned, fits: Matched) -> None:
    """Refuse what was made for another model, and warn of what fits in part."""
    base = learned.record.get("base")
    base = base if isinstance(base, dict) else {}
    made = f"it was learned on {str(base['name'])[:100]}" if "name" in base else "it was made for another model"
    other = "weights" in base and base["weights"] != own.weights
    if learned.words and not any(learned.changes.values()) and not any(_widths(s.encoder) for s in own.stages):
        raise WeightsError(
            f"{path}: holds learned words, and no text encoder of {own.name} can be taught any (CLIP's in Stable "
            "Diffusion and SDXL can, and limn's own); say it in other words, or use a LoRA file"
        )
    kin = any(named == "unet" for named, _ in _networks(own).values())  # Stable Diffusion's checkpoints are alike
    if not fits.matched or fits.misshapen or (other and not kin):
        raise WeightsError(f"{path}: does not fit {own.name}: {fits}; {made}, use it with that")
    flat = tuple(
        name.replace(".", "_") for name in getattr(getattr(own.main.predictor, "network", None), "flat", ())
    )
    changed = [name for _, layers in fits.layers.values() for name in layers]
    if whole := [name for name in changed if flat and name.replace(".", "_").startswith(flat)]:
        raise WeightsError(f"{path}: changes {whole[0]}, which is given all rows in one; limn cannot use it")
    if other:
        warnings.warn(f"{path}: {made}, whose weights are not those of {own.name}", AdapterWarning, stacklevel=2)
    if fits.unexpected or fits.missing:
        warnings.warn(f"{path}: fits {own.name} in part: {fits}", AdapterWarning, stacklevel=2)


def _networks(own: Generator) -> dict[tuple[int, int], tuple[str, nn.Module]]:
    """Return a model's networks by stage, that which answers and those which read, with what files call them."""
    networks: dict[tuple[int, int], tuple[str, nn.Module]] = {}
    for place, stage in enumerate(own.stages):
        encoder: Any = getattr(stage.encoder, "encoder", stage.encoder)
        readers = getattr(encoder, "models", ())
        usual = "unet" if type(network_of(stage)).__name__.startswith("UNet") else "transformer"
        networks[place, 0] = (usual if place == 0 else f"{usual}_{place + 1}", network_of(stage))
        for k, reader in enumerate(readers):
            alone = len(readers) == 1 and reader.__class__.__name__ == "CLIPTextModelWithProjection"
            number = place + k + 1 + alone
            inner = getattr(reader, "text_model", reader)  # files name its layers from there on
            networks[place, k + 1] = (TEXT if number == 1 else f"{TEXT}_{number}", inner)
    return networks


def _modern(changes: Mapping[str, Change], network: nn.Module) -> Mapping[str, Change]:
    """Return changes by the names of diffusers' layers, where they have those of the original code."""
    from limn.models.checkpoints.shared import flux_names
    from limn.models.checkpoints.shared.original_names import modern

    if network.__class__.__name__ in ("FluxTransformer2DModel", "Flux2Transformer2DModel"):
        return flux_names.modern(changes, network)
    config: Any = getattr(network, "config", {})
    if not isinstance(config, Mapping) or "layers_per_block" not in config:
        return changes
    rename = modern(config)
    return {rename(name): change for name, change in changes.items()}


def network_of(stage: Stage) -> nn.Module:
    """Return the network inside a stage's predictor."""
    network: Any = getattr(stage.predictor, "network", stage.predictor)
    module: nn.Module = getattr(network, "module", network)
    return module


def _words(
    stages: Sequence[Stage], words: Mapping[str, Sequence[Tensor]]
) -> tuple[dict[int, dict[str, Tensor]], tuple[str, ...], tuple[str, ...]]:
    """Return the words that each stage can read, those that none can, and the vectors that nothing takes."""
    known: dict[int, dict[str, Tensor]] = {}
    import torch

    widths = {place: _widths(stage.encoder) for place, stage in enumerate(stages)}
    every = {width for own in widths.values() for width in own}
    missing, extra = [], []
    for word, several in words.items():
        for place, wanted in widths.items():
            own = [next((v for v in several if v.shape[1] == width), None) for width in wanted]
            parts = [vectors for vectors in own if vectors is not None]
            if parts and len(parts) == len(own) and len({len(vectors) for vectors in parts}) == 1:
                known.setdefault(place, {})[word] = torch.cat(parts, 1)
        if not any(word in own for own in known.values()):
            missing.append(f"{word}: has vectors of {' and '.join(str(v.shape[1]) for v in several)} numbers")
        extra += [f"{word}: {v.shape[1]} numbers" for v in several if v.shape[1] not in every]
    return known, tuple(missing), tuple(extra)


def _widths(encoder: Any) -> tuple[int, ...]:
    """Return the lengths of a word's vectors in each network that reads; none where words cannot be taught."""
    width = getattr(encoder, "width", 0)
    return tuple(getattr(encoder, "widths", (width,) if width else ()))
