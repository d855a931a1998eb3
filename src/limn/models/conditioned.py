"""Models that draw from more than words: streams beside the weights of a native model.

``vader``, ``reimagen``, ``dalle2`` and ``ediffi`` are folders of this family that share one set of streams and
differ in what they read and how they are guided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from limn.encoders.embedding import Embedder
from limn.encoders.streams import Readers, StreamEncoder, streams_of
from limn.io.configurations import read_config, read_json, require
from limn.io.files import sha256_of
from limn.kernel import registry
from limn.kernel.codec import Codec
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.predictor import Conditioning
from limn.kernel.stage import Stage
from limn.models.native import LARGEST, NativeConfig, coded
from limn.models.native import Network as NativeNetwork
from limn.models.parts import ModelConfig, assembled, check_fit, home_of, sampler_of
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE, ConditionedTransformer
from limn.networks.dual_encoder import DualEncoder
from limn.networks.embedding_map import EmbeddingMap
from limn.networks.experts import Expert
from limn.networks.interleaved import Interleaved
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import TransformerConfig
from limn.networks.weights import frozen, load_state, read_tensors, sized
from limn.predictors.diffusion import Diffusion
from limn.predictors.experts import ByLevel
from limn.samplers.levels import Flow


@dataclass(frozen=True, kw_only=True)
class StreamsConfig:
    """The file ``streams.json`` beside the weights of streams.

    Args:
        base: The native model whose weights the network has besides: a shipped one's name, or a folder beside this.
        transformer: Fields of the network's configuration.
        encoder: Fields of the configuration of what reads words and pictures in any order.
        judge: Whose towers see pictures.
        unseen: Share of concepts that were left out of training.
    """

    base: str = "emoji"
    transformer: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=dict)
    judge: str = "judge_a"
    unseen: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConditionedConfig(ModelConfig):
    """The file ``config.json`` of such a model; nothing else may stand in it.

    Args:
        streams: Folder of the streams: a shipped one's name, or a folder beside this one.
        kinds: Which streams are read.
        words: Whether words are read as such, or only in the embedding that is made of them.
        embedding: What makes embeddings of words, a folder of a translator or prior; if empty, words have none.
        experts: Folders of experts, from low noise to high.
        guide: Guidances used by default, as text, in place of classifier-free guidance.
    """

    families = ("conditioned",)

    family: str = "conditioned"
    sampler: str = "euler"
    streams: str = "streams"
    kinds: tuple[str, ...] = (PICTURE, NEIGHBOUR, EMBEDDING)
    words: bool = True
    embedding: str = ""
    experts: tuple[str, ...] = ()
    guide: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        known = {PICTURE, NEIGHBOUR, EMBEDDING}
        require(set(self.kinds) <= known, f"kinds must be of {', '.join(sorted(known))}")
        require(self.words or EMBEDDING in self.kinds, "words may be left out where an embedding is read")


class Network(NativeNetwork):
    """The transformer with streams in the form a diffusion predictor asks for."""

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer."""
        config = self.transformer.config
        keys = sum(vectors.shape[1] for vectors, _ in (streams_of(conditioning) or {}).values())
        cells, width = x.shape[2] * x.shape[3] // config.patch**2, config.width
        looked = 2 * width * (cells * (width + keys) + keys * width) if keys else 0  # queries, sums, keys and values
        return super().flops(x, conditioning) + 2 * len(x) * config.depth * looked

    def besides(self, conditioning: Conditioning) -> dict[str, Any]:
        """Return the streams that the transformer is given besides words."""
        return {"streams": streams_of(conditioning)}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Parts:
    """What all models of one set of streams share."""

    network: ConditionedTransformer
    codec: Codec
    interleaved: Interleaved
    towers: DualEncoder
    native: NativeConfig
    hashes: list[str]


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load a model that draws from more than words.

    Args:
        folder: Holds ``config.json``.
        name: What the generator calls itself.
        device: Where it runs.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(ConditionedConfig, folder / "config.json")
    parts = _parts(home_of(folder, config.streams), device)
    words, shape, hashes = TokenVectors(), parts.network.config, parts.hashes
    embed = None
    if EMBEDDING in config.kinds:
        maps = None
        if config.embedding:
            path = home_of(folder, config.embedding)
            maps = EmbeddingMap.load(path, device=device)
            hashes.append(sha256_of(path / WEIGHTS))
            fits = {
                "embedding": (maps.config.out, shape.embedding_width),
                "text": (maps.config.text, parts.towers.config.out),
            }
            check_fit(folder, "embedding and streams", fits)
        embed = Embedder(words, parts.towers, maps)
    readers = Readers(
        towers=parts.towers, interleaved=parts.interleaved, network=parts.network, codec=parts.codec,
        size=parts.native.size, embed=embed,
    )  # fmt: skip
    predictor: Any = Diffusion(network=Network(parts.network), target=parts.native.target)
    if config.experts:
        predictor = _experts(folder, config.experts, predictor, parts, device)
    stage = Stage(
        encoder=StreamEncoder(
            words, readers, config.kinds, limit=shape.text_limit, words_too=config.words, device=device
        ),
        predictor=predictor,
        codec=parts.codec,
        schedule=Flow(),
        sampler=sampler_of(folder, config.sampler),
        steps=config.steps,
        device=device,
    )
    generator = assembled(name, [stage], config, hashes, largest=LARGEST)
    generator.reads = frozenset({*config.kinds, *({PICTURE} if EMBEDDING in config.kinds else ())})
    if config.guide:
        generator.guidance = tuple(_guidance(folder, text) for text in config.guide)
    return generator


def _parts(home: Path, device: str) -> _Parts:
    """Read streams, what reads for them, and the native model that they stand beside."""
    config = read_config(StreamsConfig, home / "streams.json")
    base = home_of(home, config.base)
    native = read_config(NativeConfig, base / "config.json")
    files = [base / WEIGHTS, home / "streams.safetensors"]
    most = sum(path.stat().st_size for path in files if path.is_file())
    network = sized(lambda: ConditionedTransformer.from_config(config.transformer), files[0], most)
    own = {item.name: getattr(network.config, item.name) for item in fields(TransformerConfig)}
    check_fit(
        home, "streams and their base", {name: (own[name], value) for name, value in native.transformer.items()}
    )
    streams = {f"streams.{name}": tensor for name, tensor in read_tensors(files[1]).items()}
    load_state(network, {**read_tensors(files[0]), **streams}, source=str(home))
    network = network.to(device).eval().requires_grad_(False)
    codec, hashes = coded(base, native, network.config.patch, device)
    interleaved = sized(lambda: Interleaved.from_config(config.encoder), home / "encoder.safetensors")
    frozen(interleaved, home / "encoder.safetensors", device)
    towers = DualEncoder.load(config.judge, device=device)
    more = [home / "encoder.safetensors", DualEncoder.locate(config.judge) / WEIGHTS]
    return _Parts(
        network=network, codec=codec, interleaved=interleaved,
        towers=towers, native=native, hashes=[*map(sha256_of, files), *hashes, *map(sha256_of, more)],
    )  # fmt: skip


def _experts(folder: Path, names: Sequence[str], parent: Diffusion, parts: _Parts, device: str) -> ByLevel:
    """Put experts beside their parent; where one ends the next begins."""
    experts, edges = [], list[tuple[float, float]]()
    for name in names:
        home = home_of(folder, name)
        config = read_json(home / "expert.json")
        expert = sized(lambda: Expert.from_config(config["expert"]), home / WEIGHTS)  # noqa: B023
        frozen(expert, home / WEIGHTS, device)
        parts.hashes.append(sha256_of(home / WEIGHTS))
        experts.append(expert.change(parts.network))
        edges.append((float(config["low"]), float(config["high"])))
    if edges[0][0] > 0 or edges[-1][1] < 1 or any(abs(a[1] - b[0]) > 1e-6 for a, b in pairwise(edges)):
        raise WeightsError(
            f"{folder / 'config.json'}: experts leave gaps or overlap; name them from low noise to high"
        )
    return ByLevel(parent=parent, experts=experts, bounds=[low for low, _ in edges[1:]])


def _guidance(folder: Path, text: str) -> Guidance:
    try:
        part = registry.parse("guidance", text)
    except InputError as error:
        raise WeightsError(f"{folder / 'config.json'}: {error}") from None
    assert isinstance(part, Guidance)
    return part
