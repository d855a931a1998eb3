"""A reader of your own: a function in a Python file."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading, Value
from limn.io.configurations import read_json
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class UserFunction(Reader):
    """Reads with ``FILE.py:FUNCTION``; the file is run, so name only files that you trust.

    The function takes a list of pictures, uint8 (height, width, 3), and returns one mapping of field to word, number
    or None for each. The attribute ``fields`` of the function, or ``FIELDS`` of its file, gives the values of each
    field, for example ``{"gender": ("woman", "man")}``; none for a field of numbers. A word may come with a score,
    ``("yes", 0.83)``: ``THRESHOLD`` of the file says from which score on it counts, ``BELOW = {"flagged": "no"}``
    what holds below, and scores are kept. How it errs may stand in ``CONFUSION`` of the file, or beside it in
    ``FILE.confusion.json``.

    Args:
        function: File and function, ``"readers.py:gender"``.
    """

    aliases: ClassVar[tuple[str, ...]] = ("own",)

    main: ClassVar[str] = "function"

    function: str = ""

    @property
    def name(self) -> str:
        """File and function, without the folder."""
        return f"own:{Path(self.function).name}"

    @cached_property
    def version(self) -> str:
        """Hash of the file."""
        return sha256_of(self._path)[:12]

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the file."""
        return sha256_of(self._path)

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """As the file says."""
        fields = self._loaded[1]
        if not isinstance(fields, Mapping) or not fields:
            raise InputError(f'{self.function}: says not what it reads; set FIELDS = {{"field": ("value", ...)}}')
        return {str(name): tuple(map(str, values)) for name, values in fields.items()}

    @property
    def threshold(self) -> float:
        """``THRESHOLD`` of its file; 0 if it has none."""
        return float(self._said("THRESHOLD", 0.0))

    @property
    def scored(self) -> tuple[str, ...]:
        """Fields of words, where the file has a threshold."""
        given = self._said("THRESHOLD", None) is not None
        return tuple(name for name, values in self.fields.items() if values) if given else ()

    @property
    def otherwise(self) -> Mapping[str, str]:
        """``BELOW`` of its file."""
        below = dict(self._said("BELOW", {}))
        return {name: str(self._value(name, value)) for name, value in below.items()}

    @cached_property
    def confusion(self) -> Mapping[str, Confusion]:
        """The function's ``confusion``, ``CONFUSION`` of its file, or ``FILE.confusion.json`` beside it."""
        beside = self._path.with_suffix(".confusion.json")
        given = getattr(self._loaded[0], "confusion", self._said("CONFUSION", None))
        if given is None:
            given = read_json(beside) if beside.is_file() else {}
        unknown = [name for name in given if not self.fields.get(name)]
        if unknown:
            raise InputError(f"{self.function}: has a confusion matrix of {unknown[0]}, which is no field of words")
        return {name: Confusion.read(name, record, self.fields[name]) for name, record in given.items()}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures with the function.

        Raises:
            InputError: If it fails, or returns what its fields do not have.
        """
        try:
            answers = list(self._loaded[0](list(pictures)))
        except InputError:
            raise
        except Exception as error:  # whatever a function of one's own raises is told in one line
            raise InputError(
                f"{self.function}: failed ({type(error).__name__}: {first_line(error)}); mend it"
            ) from error
        return [self._reading(answer) for answer in answers]

    def _reading(self, answer: Any) -> Reading:
        if not isinstance(answer, Mapping):
            raise InputError(
                f"{self.function}: returned {type(answer).__name__}; return one mapping for each picture"
            )
        words, scores = {}, {}
        for name, value in answer.items():
            if isinstance(value, tuple) and len(value) == 2:
                words[str(name)], scores[str(name)] = value[0], float(value[1])
            else:
                words[str(name)] = value
        values = {name: self._value(name, value) for name, value in words.items()}
        likely = {name: "" if values[name] is None else str(values[name]) for name in scores}
        reading = Reading(values=values, confidence=scores, likely=likely)
        return reading.at(self.threshold, self.scored, self.otherwise) if self.scored else reading

    def _value(self, name: str, value: Any) -> Value:
        """Return a word or a number of a field; numbers of numpy are numbers, NaN is unreadable."""
        allowed = self.fields.get(name)
        if allowed is not None and value is None:
            return None
        if allowed and isinstance(value, str) and value in allowed:
            return str(value)
        if allowed == () and isinstance(value, int | float | np.integer | np.floating | np.bool_):
            return None if math.isnan(value) else float(value)
        raise InputError(f"{self.function}: {name}={str(value)[:40]!r} is not among its FIELDS")

    def _said(self, name: str, otherwise: Any) -> Any:
        return getattr(self._loaded[2], name, otherwise)

    @property
    def _path(self) -> Path:
        path = Path(self.function.rpartition(":")[0]).expanduser()
        if not path.is_file():
            raise InputError(f"own: {self.function!r} names no file; write own:FILE.py:FUNCTION")
        return path

    @cached_property
    def _loaded(self) -> tuple[Callable[[list[Any]], Any], Any, Any]:
        path, function = self._path, self.function.rpartition(":")[2]
        spec = importlib.util.spec_from_file_location(f"limn_own_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise InputError(f"{path}: is not a Python file; write own:FILE.py:FUNCTION")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        read = getattr(module, function, None)
        if not callable(read):
            raise InputError(f"{path}: has no function {function!r}")
        return read, getattr(read, "fields", getattr(module, "FIELDS", None)), module
