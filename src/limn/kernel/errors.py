"""Errors that a person can act on.

    LimnError                 anything limn raises on purpose (exit code 1)
    ├── InputError            a value, file or name the caller gave cannot be used (exit code 2)
    │   ├── WeightsError      a weights file or model folder is damaged, unsafe or of another shape
    │   └── DataError         a data set is damaged, missing or too far from what it says it is
    └── StoreError            a run folder or its index cannot be read or written

Each message is one line that names the field or file and says what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LimnError(Exception):
    """Base of every error limn raises on purpose."""

    exit_code = 1


class InputError(LimnError):
    """A value, file or name the caller gave cannot be used."""

    exit_code = 2


class WeightsError(InputError):
    """A weights file or model folder is damaged, unsafe or does not fit."""


class DataError(InputError):
    """A data set is damaged, missing or not what it says it is."""


class StoreError(LimnError):
    """A run folder or its index cannot be read or written."""


def unknown_name(what: str, name: str, known: Iterable[str], aliases: Iterable[str] = ()) -> InputError:
    """Build the error for a name that is not registered, with the nearest one that is.

    Args:
        what: The kind of thing, for example ``"sampler"``.
        name: What the caller wrote.
        known: The names that exist.
        aliases: Other names for them, which may be meant but are not listed.

    Returns:
        An error to raise.

    >>> str(unknown_name("sampler", "dimm", ["ddim", "euler"]))
    "unknown sampler 'dimm'; did you mean 'ddim'? known: ddim, euler"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, [*names, *aliases], n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    shown = name if len(name) <= 60 else name[:57] + "..."
    return InputError(f"unknown {what} {shown!r}; {hint}known: {', '.join(names) or 'none'}")


class ModelWarning(UserWarning):
    """A model draws, but not quite as its files say or as it was made for."""


class AdapterWarning(UserWarning):
    """An adapter can be used, but not all of it, or not as it was meant."""
