"""What a class of diffusers or transformers takes, by its own signature."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def defaults(kind: str) -> dict[str, Any]:
    """Return the fields that a class of this name takes, with their usual values; lists in place of tuples."""
    import diffusers
    import transformers

    owner = diffusers if hasattr(diffusers, kind) else transformers
    taken = inspect.signature(getattr(owner, kind).__init__).parameters.values()
    return {
        one.name: list(one.default) if isinstance(one.default, tuple) else one.default
        for one in taken
        if one.default is not inspect.Parameter.empty
    }
