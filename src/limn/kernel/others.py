"""Other models, and changes to the one that draws, that guidances ask by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from torch import Tensor

from limn.kernel.adapter import Adapter, Beside, SecondModel, TextAdapter
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance
from limn.kernel.options import weighed
from limn.kernel.stage import Stage


class Model(Protocol):
    """What a generator shows of itself to be asked beside another one."""

    name: str
    size: tuple[int, int]
    weights: str

    @property
    def stages(self) -> Sequence[Stage]:
        """In the order in which they run."""
        ...


class Others:
    """Other models, and changes to the one that draws, that guidances ask by name; each is loaded once.

    ``load`` turns a name into a generator or a change; :func:`limn.models.load` sets it.

    Args:
        own: The model that draws.
    """

    def __init__(self, own: Model) -> None:
        self.own = own
        self.load: Callable[[str], Model | Beside] | None = None
        self._loaded: dict[str, Beside] = {}
        self._taught: dict[tuple[int, tuple[str, ...]], Encodings] = {}

    def weights(self, guidances: Iterable[Guidance]) -> dict[str, str]:
        """Return the SHA-256 of the weights of each other model or change, by its name.

        Raises:
            InputError: If one cannot be loaded, or cannot be asked about the states of the first.
        """
        return {weighed(name)[0]: self._get(name).weights for name in self._names(guidances)}

    def adapters(self, guidances: Iterable[Guidance], place: int) -> dict[str, Adapter]:
        """Return the other models that guidances ask at a stage, by name.

        Raises:
            InputError: As :meth:`weights`.
        """
        return {name: self._get(name).adapters[place] for name in self._names(guidances)}

    def encodings(self, guidances: Iterable[Guidance], place: int) -> Encodings | None:
        """Return a stage's encoder with the words of all adapters that guidances name; None where there are none.

        Raises:
            InputError: As :meth:`weights`; two adapters teach the same word, or the encoder cannot be taught.
        """
        words: dict[str, Tensor] = {}
        teachers: dict[str, str] = {}
        for name, adapter in self.adapters(guidances, place).items():
            for word, vectors in adapter.words.items() if isinstance(adapter, TextAdapter) else ():
                if word in words:
                    raise InputError(
                        f"adapter {name[:100]}: teaches {word!r}, as {teachers[word][:100]} does; use one"
                    )
                words[word], teachers[word] = vectors, name
        if not words:
            return None
        key = place, tuple(sorted({weighed(name)[0] for name in teachers.values()}))
        if key not in self._taught:
            encoder: Any = self.own.stages[place].encoder
            self._taught[key] = Encodings(encoder.knowing(words))
        return self._taught[key]

    def _names(self, guidances: Iterable[Guidance]) -> list[str]:
        names = {name for guidance in guidances for name in guidance.adapters}
        present = {name for stage in self.own.stages for name in stage.adapters}
        return sorted(names - present)

    def _get(self, name: str) -> Beside:
        if name not in self._loaded:
            if self.load is None:
                raise InputError(f"adapter {name[:200]!r} is not loaded; load it before a guidance names it")
            other = self.load(name)
            if not isinstance(other, Beside):
                _check_alike(name, self.own, other)
                pairs = [(stage.predictor, Encodings(stage.encoder)) for stage in other.stages]
                seconds = [SecondModel(predictor=predictor, encodings=encodings) for predictor, encodings in pairs]
                other = Beside(weights=other.weights, adapters=seconds)
            self._loaded[name] = other
        return self._loaded[name]


def _check_alike(name: str, own: Model, other: Model) -> None:
    """Make sure that another model can be asked about the same noisy states."""
    differ = "stages" if len(own.stages) != len(other.stages) else ""
    for one, two in zip(own.stages, other.stages, strict=False):
        if one.predictor.space != two.predictor.space:
            differ = "answers"
        elif (shape := one.codec.shape(*own.size)) != two.codec.shape(*own.size):
            differ = "states"
        elif one.schedule.levels(one.steps, one.sampler, "", shape) != two.schedule.levels(
            one.steps, one.sampler, "", shape
        ):
            differ = "noise levels"
    if differ:
        raise InputError(f"model {name[:200]!r}: its {differ} are not those of {own.name}; name one of its kind")
