"""Conditioning on words, pictures, neighbours and an embedding (:mod:`limn.networks.conditioned`).

A row that drops ``text`` drops all that the prompt says, words, pictures and what is made of them; ``words``,
``pictures``, ``embedding`` and ``neighbours`` drop one of the four.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.io.pictures import colours
from limn.kernel.codec import Codec
from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import PLACE, Prompt
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE, ConditionedTransformer, Streams
from limn.networks.dual_encoder import DualEncoder
from limn.networks.interleaved import Interleaved
from limn.networks.token_embeddings import TokenVectors

COUNTS: Final = " counts"
"""After a kind: the name of the extra that says how much each of its tokens counts."""

Embed = Callable[[Prompt], Tensor | None]
"""The embedding (width,) of the picture that a prompt asks for, or None."""


@dataclass(frozen=True, kw_only=True)
class Readers:
    """The frozen networks that read what is no word.

    Args:
        towers: Sees pictures.
        interleaved: Reads words and pictures in any order.
        network: Reads neighbours.
        codec: Turns neighbours into states.
        size: Side of the pictures in pixels.
        embed: Makes embeddings; none if None.
    """

    towers: DualEncoder
    interleaved: Interleaved
    network: ConditionedTransformer
    codec: Codec
    size: int = 64
    embed: Embed | None = None


class StreamEncoder:
    """Rows of words with the streams beside them.

    Args:
        words: Tokenizer and vectors.
        readers: What reads the rest.
        kinds: Which streams the model uses.
        limit: Most tokens of words that are read.
        words_too: Whether words are read as such, or only in the embedding that is made of them.
        device: Where the conditioning goes.
    """

    def __init__(
        self,
        words: TokenVectors,
        readers: Readers,
        kinds: Collection[str],
        *,
        limit: int,
        words_too: bool = True,
        device: str = "cpu",
    ) -> None:
        self.words, self.readers, self.kinds, self.limit, self.device = words, readers, tuple(kinds), limit, device
        self.words_too = words_too

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return self.words.width

    def knowing(self, words: Mapping[str, Tensor]) -> StreamEncoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        return StreamEncoder(
            self.words.knowing(words), self.readers, self.kinds,
            limit=self.limit, words_too=self.words_too, device=self.device,
        )  # fmt: skip

    @torch.no_grad()
    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return words (rows, tokens, width), how much each counts, and the streams as extras."""
        heard = [self.words_too and not ask.drop & {"text", "words"} and _weights(ask.prompt)[0] > 0 for ask in asks]
        texts = [_plain(ask.prompt.text) if one else "" for ask, one in zip(asks, heard, strict=True)]
        vectors, mask = self.words(texts, limit=self.limit)
        mask = mask & torch.tensor([bool(text.strip()) for text in texts])[:, None]
        counts = mask
        if self.words_too and any(ask.prompt.weights for ask in asks):
            weights = torch.tensor([_weights(ask.prompt)[0] for ask in asks])
            counts = mask * weights[:, None]
        extras = dict[str, Tensor]()
        makers = {PICTURE: self._pictures, NEIGHBOUR: self._neighbours, EMBEDDING: self._embedding}
        for kind in self.kinds:
            rows = [makers[kind](ask) for ask in asks]
            longest = max(len(row) for row, _ in rows)
            extras[kind] = torch.stack([F.pad(row, (0, 0, 0, longest - len(row))) for row, _ in rows])
            extras[kind + COUNTS] = torch.stack([F.pad(count, (0, longest - len(count))) for _, count in rows])
        extras = {name: value.to(self.device) for name, value in extras.items()}
        return Conditioning((vectors * mask[..., None]).to(self.device), counts.to(self.device), extras)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token that is read."""
        return self.words.spans(_plain(text.strip()), limit=self.limit)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        text = text.strip()
        (cut,) = self.words.cut([_plain(text)], limit=self.limit)
        return text[self.spans(text)[-1][1] :].strip() if cut else ""

    def _pictures(self, ask: Ask) -> tuple[Tensor, Tensor]:
        """Read the prompt's parts in their order; return the states of its pictures, and their weights."""
        read, dropped = self.readers, ask.drop
        width = read.interleaved.config.width
        if dropped & {"text", "pictures"} or not ask.prompt.images:
            return torch.zeros(0, width), torch.zeros(0)
        _weights(ask.prompt)
        tokens, weights, shown = list[Tensor](), list[Tensor](), list[Tensor]()
        for part, weight in ask.prompt.parts:
            if weight == 0:  # not there: it takes no place either
                continue
            if isinstance(part, str):
                if "words" in dropped:
                    continue
                vectors, _ = self.words([part], limit=self.limit)
                token = read.interleaved.words(vectors[0].to(self.device))
            else:
                token = read.interleaved.picture(read.towers.cells(self._state(part)))[0]
            tokens.append(token)
            weights.append(token.new_full((len(token),), weight))
            shown.append(torch.full((len(token),), isinstance(part, bytes)))
        if not tokens:
            return torch.zeros(0, width), torch.zeros(0)
        counts, pictures = torch.cat(weights), torch.cat(shown)
        states = read.interleaved(torch.cat(tokens)[None], counts[None])[0]
        return states[pictures].cpu(), counts[pictures].cpu()

    def _neighbours(self, ask: Ask) -> tuple[Tensor, Tensor]:
        read, neighbours = self.readers, ask.prompt.neighbours
        if not neighbours or "neighbours" in ask.drop:
            return torch.zeros(0, 4 * read.network.config.width), torch.zeros(0)
        states = read.codec.encode(torch.cat([self._state(one.image) for one in neighbours]))
        tokens = read.network.neighbours(states).flatten(0, 1).cpu()
        return tokens, torch.ones(len(tokens))

    def _embedding(self, ask: Ask) -> tuple[Tensor, Tensor]:
        read, vector = self.readers, None
        if read.embed is not None and not ask.drop & {"text", "embedding"}:
            vector = read.embed(ask.prompt)
        if vector is None:
            return torch.zeros(1, read.network.config.embedding_width), torch.zeros(1)
        return vector[None].cpu(), torch.ones(1)

    def _state(self, png: bytes) -> Tensor:
        size = self.readers.size
        return torch.from_numpy(colours(png, size, size))[None].to(self.device)


def streams_of(conditioning: Conditioning) -> Streams | None:
    """Return the streams that stand beside rows of words; None where there are none."""
    kinds = [name for name in conditioning.extras if name + COUNTS in conditioning.extras]
    pairs = {kind: (conditioning.extras[kind], conditioning.extras[kind + COUNTS]) for kind in kinds}
    return {kind: pair for kind, pair in pairs.items() if pair[0].shape[1]} or None


def _weights(prompt: Prompt) -> tuple[float, ...]:
    """Return the weights of a prompt's parts; none may be negative where logarithms of them are taken."""
    weights = prompt.weights or (1.0,)
    if min(weights) < 0:
        raise InputError(f"prompt weights: {min(weights):g} is negative; this model takes 0 (not there) and more")
    return weights


def _plain(text: str) -> str:
    """Return a text with a space in place of each picture, so that characters keep their places."""
    return text.replace(PLACE, " ")
