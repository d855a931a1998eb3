"""Text encodings, kept over steps, seeds and requests: a prompt is encoded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from limn.kernel.predictor import Ask, Conditioning, Encoder


class Encodings:
    """The newest encodings of one encoder, itself an encoder that answers what it knows from memory.

    Args:
        encoder: Turns asks into conditioning.
        limit: Most encodings kept; the one not used for longest goes first.
    """

    def __init__(self, encoder: Encoder, *, limit: int = 256) -> None:
        self.encoder, self.limit = encoder, limit
        self._kept: OrderedDict[Hashable, Conditioning] = OrderedDict()
        self._spans: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return one row of conditioning for each ask; only what is not known yet is encoded, all at once.

        What earlier stages made belongs to one picture, so an ask that carries it is never kept.
        """
        keys = [(ask.prompt, ask.drop, place if ask.given else None) for place, ask in enumerate(asks)]
        missing = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in self._kept}
        known = {key: self._kept[key] for key in keys if key in self._kept}
        if missing:
            encoded = self.encoder.encode(list(missing.values()))
            known.update({key: encoded.pick([row]) for row, key in enumerate(missing)})
        for key in dict.fromkeys(keys):
            if key[2] is None:
                self._kept[key] = known[key]
                self._kept.move_to_end(key)
        while len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        places = {key: place for place, key in enumerate(known)}
        return Conditioning.stack(list(known.values())).pick([places[key] for key in keys])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each conditioning token."""
        if text not in self._spans:
            self._spans[text] = self.encoder.spans(text)
        self._spans.move_to_end(text)
        while len(self._spans) > self.limit:
            self._spans.popitem(last=False)
        return self._spans[text]

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the encoder's limit and not read."""
        return self.encoder.unread(text)

    def clear(self) -> None:
        """Forget everything; to be called when the encoder has changed."""
        self._kept.clear()
        self._spans.clear()
