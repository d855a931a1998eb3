"""A reader of your own: a function in a Python file."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from limn.audit.readers.reader import Confusion, Pictures, Reading
from limn.kernel.errors import InputError
from limn.kernel.registry import Part

__all__ = ["UserFunction"]


@dataclass(frozen=True, kw_only=True)
class UserFunction(Part):
    """Reads with ``FILE.py:FUNCTION``; the file is run, so name only files that you trust.

    The function takes a list of pictures, uint8 (height, width, 3), and returns one mapping of field to word, number
    or None for each. The attribute ``fields`` of the function, or ``FIELDS`` of its file, gives the values of each
    field, for example ``{"gender": ("woman", "man")}``; none for a field of numbers.

    Args:
        function: File and function, ``"readers.py:gender"``.
    """

    aliases: ClassVar[tuple[str, ...]] = ("own",)

    threshold: ClassVar[float] = 0.0

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
        found = self._loaded[1]
        if not isinstance(found, Mapping) or not found:
            raise InputError(f'{self.function}: says not what it reads; set FIELDS = {{"field": ("value", ...)}}')
        return {str(name): tuple(map(str, values)) for name, values in found.items()}

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Nothing that limn knows of."""
        return {}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures with the function.

        Raises:
            InputError: If it returns another number of readings, or a value that its fields do not have.
        """
        answers = list(self._loaded[0](list(pictures)))
        if len(answers) != len(pictures):
            raise InputError(f"{self.function}: returned {len(answers)} readings of {len(pictures)} pictures")
        return [Reading(values=self._checked(answer)) for answer in answers]

    def _checked(self, answer: Any) -> dict[str, Any]:
        if not isinstance(answer, Mapping):
            raise InputError(
                f"{self.function}: returned {type(answer).__name__}; return one mapping for each picture"
            )
        for name, value in answer.items():
            allowed = self.fields.get(name)
            wrong = allowed is None or (value is not None and allowed and value not in allowed)
            if wrong or (value is not None and not allowed and not isinstance(value, int | float)):
                raise InputError(f"{self.function}: {name}={str(value)[:40]!r} is not among its FIELDS")
        return {name: float(v) if isinstance(v, int | float) else v for name, v in answer.items()}

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
        found = getattr(module, function, None)
        if not callable(found):
            raise InputError(f"{path}: has no function {function!r}")
        return found, getattr(found, "fields", getattr(module, "FIELDS", None))
