"""A reader of your own: a function in a Python file."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limn.audit.readers.reader import Pictures, Reader, Reading, Value
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class UserFunction(Reader):
    """Reads with ``FILE.py:FUNCTION``; the file is run, so name only files that you trust.

    The function takes a list of pictures, uint8 (height, width, 3), and returns one mapping of field to word, number
    or None for each. The attribute ``fields`` of the function, or ``FIELDS`` of its file, gives the values of each
    field, for example ``{"gender": ("woman", "man")}``; none for a field of numbers.

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
        return hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """As the file says."""
        fields = self._loaded[1]
        if not isinstance(fields, Mapping) or not fields:
            raise InputError(f'{self.function}: says not what it reads; set FIELDS = {{"field": ("value", ...)}}')
        return {str(name): tuple(map(str, values)) for name, values in fields.items()}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures with the function.

        Raises:
            InputError: If it returns another number of readings, or a value that its fields do not have.
        """
        answers = list(self._loaded[0](list(pictures)))
        if len(answers) != len(pictures):
            raise InputError(f"{self.function}: returned {len(answers)} readings of {len(pictures)} pictures")
        return [Reading(values=self._checked(answer)) for answer in answers]

    def _checked(self, answer: Any) -> dict[str, Value]:
        if not isinstance(answer, Mapping):
            raise InputError(
                f"{self.function}: returned {type(answer).__name__}; return one mapping for each picture"
            )
        return {str(name): self._value(str(name), value) for name, value in answer.items()}

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

    @property
    def _path(self) -> Path:
        path = Path(self.function.rpartition(":")[0]).expanduser()
        if not path.is_file():
            raise InputError(f"own: {self.function!r} names no file; write own:FILE.py:FUNCTION")
        return path

    @cached_property
    def _loaded(self) -> tuple[Callable[[list[Any]], Any], Any]:
        path, function = self._path, self.function.rpartition(":")[2]
        spec = importlib.util.spec_from_file_location(f"limn_own_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise InputError(f"{path}: is not a Python file; write own:FILE.py:FUNCTION")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        read = getattr(module, function, None)
        if not callable(read):
            raise InputError(f"{path}: has no function {function!r}")
        return read, getattr(read, "fields", getattr(module, "FIELDS", None))
