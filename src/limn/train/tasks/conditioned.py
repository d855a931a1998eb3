"""Drawing from more than words: a picture, neighbours, or an embedding (:mod:`limn.networks.conditioned`).

The weights that training starts from stay as they are; only the streams learn. A row has one stream: a picture
alone, without words, as M-VADER learns; neighbours, which are the same thing in other styles, mostly with words
(Chen et al. 2023, section 3.2); or an embedding, with words or without (Balaji et al. 2022, section 4.2). What feeds
the streams is frozen, so it is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.autoencoder import Autoencoder
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE, ConditionedTransformer, Streams
from limn.networks.interleaved import Interleaved
from limn.networks.transformer import Transformer
from limn.train.augmentation import jittered
from limn.train.batches import PROBE, Batch, signed, stream
from limn.train.card import About
from limn.train.model_folder import write_weights
from limn.train.network import averaged, judge_of
from limn.train.recipe import Recipe, within
from limn.train.sheet import beside, pixels, psnr
from limn.train.task import Export, autocast
from limn.train.tasks.generator import Drawing, Generator, generation
from limn.train.tasks.magma import cells_of
from limn.train.worlds.pictograms import Pictograms, pictograms_of

NEAR = 0.06
"""Pictures (values from 0 to 1) whose root mean squared difference is less are copies of each other."""

_KINDS = (PICTURE, NEIGHBOUR, EMBEDDING)
_SYLLABLES = ("zo", "rp", "bli", "ka", "mup", "fen", "gra", "tix", "lo", "quen", "vad", "shu", "pid", "orl")
_SHOWN = 16
_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Streaming(Drawing):
    """What is minimised.

    Args:
        pictures: Share of rows that have a picture and no words.
        embeddings: Share of rows that have an embedding; the others have neighbours.
        worded: Share of rows with an embedding that have words too.
        alone: Share of rows with neighbours that have no words.
        renamed: Share of rows with neighbours whose thing is called by a made-up word.
        strangers: Share of rows with neighbours of which one is of another thing.
        most: Most neighbours of a row.
        encoder: Folder of what reads a picture, of the task ``magma``.
        embedder: Judge whose embeddings they are.
    """

    pictures: float = 0.3
    embeddings: float = 0.3
    worded: float = 0.5
    alone: float = 0.15
    renamed: float = 0.25
    strangers: float = 0.15
    most: int = 2
    encoder: str = "runs/train/interleaved"
    embedder: str = "judge_a"

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = ("pictures", "embeddings", "worded", "alone", "renamed", "strangers")
        within(self, "objective.", most=(1, 8), **dict.fromkeys(shares, (0, 1)))
        if self.pictures + self.embeddings > 1:
            raise InputError("objective: pictures and embeddings are shares of the rows; give at most 1 together")


class Conditioned(Generator):
    """Learning to draw from pictures, neighbours and embeddings."""

    paper = "chen2023reimagen"
    Network: ClassVar[type[Transformer]] = ConditionedTransformer
    Objective = Streaming
    objective: Streaming
    network: ConditionedTransformer
    config_file = "streams.json"

    def __init__(self, recipe: Recipe, device: str) -> None:
        if recipe.data.world != "pictograms" or recipe.data.scenes or recipe.data.recoloured or not recipe.init:
            raise InputError("data: streams are learned from plain pictograms, and from a model that init names")
        super().__init__(recipe, device)
        self.world = Pictograms(recipe, self.words)
        for name, weight in self.network.named_parameters():
            weight.requires_grad_(name.startswith("streams."))

    @cached_property
    def known(self) -> Known:
        """What is known of every picture."""
        return Known(self.recipe, self.objective, self.world, self.network, self.device)

    def finish(self, network: Transformer) -> None:
        """Give averaged weights the statistics of the embeddings."""
        assert isinstance(network, ConditionedTransformer)
        network.streams.stats.copy_(self.network.streams.stats)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, streams = self.rows(step)
        text, mask = self.text(batch.ids, batch.mask)
        clean, lines = self.shown(batch.clean, step)
        with autocast(self.recipe, self.device):
            return generation(
                lambda x, time: self.answer(x, time, text, mask, lines=lines, streams=streams),
                clean, self.objective, self.generator(step),
            )  # fmt: skip

    def rows(self, step: int, kind: str = "") -> tuple[Batch, Streams]:
        """Return what a step learns from: pictures, words or none, and the stream of each row (of one kind)."""
        known, want = self.known, self.objective
        rng = stream(self.recipe.seed, 11, step)
        order, chosen = known.captioned.pick(step)
        count = len(order)
        shares = (want.pictures, 1 - want.pictures - want.embeddings, want.embeddings)
        kinds = rng.choice(3, size=count, p=shares) if not kind else np.full(count, _KINDS.index(kind))
        spoken = rng.random(count) < np.array([0, 1 - want.alone, want.worded])[kinds]
        batch = known.captioned.batch(order, chosen)
        renamed = (kinds == 1) & (rng.random(count) < want.renamed)
        captions = [
            known.renamed(place, rng) if new else caption
            for place, new, caption in zip(order.tolist(), renamed, batch.captions, strict=True)
        ]
        ids, mask = self.words.ids(captions)
        batch = Batch(
            clean=batch.clean, ids=ids, mask=mask & torch.from_numpy(spoken)[:, None], captions=tuple(captions)
        )
        return batch, known.streams(order, kinds, rng, self.device)

    @torch.inference_mode()
    def show(self, network: Transformer) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures, and what is drawn from a picture, from neighbours and words, and from an embedding."""
        versions, scores = list[NDArray[np.uint8]](), dict[str, float]()
        for kind in _KINDS:
            batch, streams = self.rows(PROBE, kind)
            streams = {name: (part[:_SHOWN], counts[:_SHOWN]) for name, (part, counts) in streams.items()}
            told: Any = partial(network, streams=streams)
            drawn = self.walked(told, *self.text(batch.ids[:_SHOWN], batch.mask[:_SHOWN]))
            clean = batch.clean[:_SHOWN]
            true = pixels(self.codec.decode(clean) if isinstance(self.codec, Autoencoder) else clean)
            versions += [drawn] if versions else [true, drawn]
            scores[kind] = float(psnr(drawn, true).mean())
        return beside(*versions), scores

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A set of layers by which a text-to-image model draws from pictures, neighbours and embeddings",
            objective=cls.objective_of(recipe).target,
            papers=(cls.paper, "weinbach2022mvader", "balaji2022ediffi", "ye2023ipadapter"),
        )

    @classmethod
    def export(cls, network: Transformer, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the streams and the encoder of pictures; the rest is that of the model ``init`` names."""
        assert isinstance(network, ConditionedTransformer)
        want = cls.objective_of(recipe)
        assert isinstance(want, Streaming)
        write_weights(network.streams, folder / "streams.safetensors", recipe.name)
        encoder: Interleaved = averaged(Path(want.encoder))
        write_weights(encoder, folder / "encoder.safetensors", recipe.name)
        return {
            "base": Path(recipe.init).name, "transformer": asdict(network.config), "encoder": asdict(encoder.config),
            "judge": want.embedder, "unseen": recipe.data.unseen,
        }  # fmt: skip


class Known:
    """What is known of every picture before training: features, embeddings, neighbours.

    Args:
        recipe: Says what is shown.
        want: How often what.
        world: The pictures and captions.
        network: Reads neighbours.
        device: Where it is.
    """

    def __init__(
        self, recipe: Recipe, want: Streaming, world: Pictograms, network: ConditionedTransformer, device: str
    ) -> None:
        self.want, self.captioned = want, world.caption_set
        source = pictograms_of(recipe)
        judge = judge_of(want.embedder)
        encoder: Interleaved = averaged(Path(want.encoder))
        states = signed(source.on())
        moved = jittered(states, stream(recipe.seed, 12), 1.0)
        with torch.inference_mode():
            self.pictures = [_read(encoder, cells_of(judge, part)) for part in (states, moved)]
            embedded = torch.cat([judge.images(part) for part in torch.split(states, _AT_ONCE)]).clone()
            self.near = torch.cat(
                [
                    network.neighbours(part.to(device)).half().cpu()
                    for part in torch.split(self.captioned.clean, _AT_ONCE)
                ]
            ).clone()
        self.embeddings = embedded
        network.streams.measure(embedded.to(device))
        self.styles, self.templates = source.columns["style"], dict(Pictograms.styles)
        self.others = _others(source.columns["codepoint"], source.on())
        self.kin = _kin(source.columns["subgroup"])

    def renamed(self, place: int, rng: np.random.Generator) -> str:
        """Return a caption of a picture whose thing is called by a made-up word."""
        word = "".join(_SYLLABLES[int(k)] for k in rng.integers(len(_SYLLABLES), size=int(rng.integers(2, 4))))
        return self.templates[self.styles[place]].format(f"a {word}")

    def streams(
        self, order: NDArray[np.int64], kinds: NDArray[np.int64], rng: np.random.Generator, device: str
    ) -> Streams:
        """Return all three streams, in each row the one of its kind."""
        rows, places = len(order), torch.from_numpy(order)
        pictures = self.pictures[int(rng.integers(2))][places].float()
        near = torch.zeros(rows, self.want.most, *self.near.shape[1:])
        counts = torch.zeros(rows, self.want.most)
        for row in np.flatnonzero(kinds == 1).tolist():
            chosen = self._neighbours(int(order[row]), rng)
            near[row, : len(chosen)] = self.near[chosen].float()
            counts[row, : len(chosen)] = 1
        given = torch.from_numpy(kinds)[:, None]
        streams = {
            PICTURE: (pictures, (given == 0).float().expand(-1, pictures.shape[1])),
            NEIGHBOUR: (near.flatten(1, 2), counts.repeat_interleave(near.shape[2], 1)),
            EMBEDDING: (self.embeddings[places][:, None], (given == 2).float()),
        }
        return {kind: (vectors.to(device), weights.to(device)) for kind, (vectors, weights) in streams.items()}

    def _neighbours(self, place: int, rng: np.random.Generator) -> list[int]:
        """Return the same thing in other styles, as many as are drawn, and sometimes a stranger among them."""
        others = self.others[place]
        count = int(rng.integers(1, self.want.most + 1))
        chosen = [others[int(k)] for k in rng.permutation(len(others))[:count]]
        if rng.random() < self.want.strangers and len(chosen) < self.want.most:
            kin = self.kin[place]
            chosen.insert(int(rng.integers(len(chosen) + 1)), kin[int(rng.integers(len(kin)))])
        return chosen


def _read(encoder: Interleaved, cells: Tensor) -> Tensor:
    parts = []
    for part in torch.split(cells, _AT_ONCE):
        tokens = encoder.picture(part.float())
        parts.append(encoder(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool)).half())
    return torch.cat(parts).clone()


def _others(codes: Sequence[str], pictures: NDArray[np.uint8]) -> list[list[int]]:
    """Return for each picture the places of the same thing in other styles, near copies left out."""
    places: dict[str, list[int]] = {}
    for place, code in enumerate(codes):
        places.setdefault(code, []).append(place)
    small = pictures.astype(np.float32) / 255
    return [
        [other for other in places[code] if np.sqrt(np.square(small[place] - small[other]).mean()) >= NEAR]
        for place, code in enumerate(codes)
    ]


def _kin(subgroups: Sequence[str]) -> list[list[int]]:
    """Return for each picture the places of those of its kind."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(subgroups):
        places.setdefault(name, []).append(place)
    return [places[name] for name in subgroups]
