"""``--retrieve KB:k=2``: which captioned pictures stand beside a prompt, near copies left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limn.io.pictures import colours
from limn.kernel.errors import DataError, InputError, unknown_name
from limn.kernel.options import convert, split
from limn.kernel.prompt import PLACE, Neighbour, Prompt
from limn.kernel.request import Request
from limn.retrieve.collection import Collection, meaning

MOST = 8
"""Most neighbours of a prompt."""

_SIDE = 32  # pixels at which copies are looked for
_WIDER = 8  # rows that are looked at for each neighbour wanted


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """How neighbours are looked up.

    Args:
        collection: Folder of a collection.
        k: How many a prompt gets, from 1 to 8.
        by: ``words`` (BM25 of captions) or ``meaning`` (embeddings of pictures).
        near: Pictures (values from 0 to 1) whose root mean squared difference is less are copies; one is kept.
    """

    collection: str
    k: int = 2
    by: Literal["words", "meaning"] = "words"
    near: float = 0.06

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MOST:
            raise InputError(f"retrieve: k={self.k} is not allowed; give a whole number from 1 to {MOST}")
        if self.by not in ("words", "meaning"):
            raise unknown_name("way to retrieve", self.by, ["words", "meaning"])
        if not 0 <= self.near <= 1:
            raise InputError(f"retrieve: near={self.near} is not allowed; give a number from 0 to 1")

    @classmethod
    def read(cls, text: str) -> Lookup:
        """Read ``KB:k=2,by=words``.

        Raises:
            InputError: An option is unknown or a value is not allowed.
        """
        head, colon, tail = text.rpartition(":")
        if not colon or "=" not in tail:
            head, tail = text, ""
        kinds = {"k": int, "by": str, "near": float}
        given = dict[str, object]()
        for item in split(tail):
            name, equals, value = (part.strip() for part in item.partition("="))
            if name not in kinds or not equals:
                raise unknown_name("option of retrieve", name, kinds)
            given[name] = convert(f"retrieve:{name}", value, kinds[name])
        return cls(collection=head, **given)  # type: ignore[arg-type]

    def neighbours(self, prompts: Sequence[Prompt], collection: Collection) -> list[tuple[Neighbour, ...]]:
        """Return each prompt's neighbours, the best first; none for one without words."""
        texts, most = [prompt.text.replace(PLACE, " ").strip() for prompt in prompts], _WIDER * self.k
        worded = list(dict.fromkeys(filter(None, texts)))
        if self.by == "words":
            rows = {text: collection.by_words(text, most) for text in worded}
        else:
            vectors = list(meaning(worded)) if worded else []
            rows = {text: collection.by_meaning(own, most) for text, own in zip(worded, vectors, strict=True)}
        near = {text: tuple(apart(own, self.near)[: self.k]) for text, own in rows.items()}
        return [near.get(text, ()) for text in texts]


def apart(rows: list[Neighbour], near: float) -> list[Neighbour]:
    """Leave out what is nearly the picture of a row before it."""
    kept, seen = list[Neighbour](), list[NDArray[np.float32]]()
    for row in rows:
        small: NDArray[np.float32] = colours(row.image, _SIDE, _SIDE) / np.float32(2)
        if all(float(np.sqrt(np.square(small - other).mean())) >= near for other in seen):
            kept.append(row)
            seen.append(small)
    return kept


def retrieved(request: Request) -> Request:
    """Return a request whose prompts have their neighbours.

    Raises:
        InputError: The collection cannot be read, or has nothing for a prompt.
    """
    if not request.retrieve:
        return request
    how = Lookup.read(request.retrieve)
    try:
        collection = Collection(Path(how.collection).expanduser())
        near = iter(how.neighbours([prompt for prompt in request.prompts if not prompt.neighbours], collection))
        prompts = tuple(
            prompt if prompt.neighbours else replace(prompt, neighbours=next(near)) for prompt in request.prompts
        )
    except DataError as error:
        raise InputError(f"retrieve: {error}") from None
    for prompt in prompts:
        if not prompt.neighbours:
            raise InputError(
                f"retrieve: {how.collection} has nothing for {prompt.text[:60]!r}; say it in other words"
            )
    return replace(request, prompts=prompts, retrieve="")
