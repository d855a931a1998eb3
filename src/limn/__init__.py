"""limn turns words into pictures, steers how they are made, and measures what a model draws.

>>> import limn
>>> limn.load("emoji").generate("a red heart", seed=1)[0].image.save("heart.png")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limn.audit.readers.reader import Reader
    from limn.kernel.errors import DataError, InputError, LimnError, StoreError, WeightsError
    from limn.kernel.generator import Generator, Picture
    from limn.kernel.prompt import Prompt
    from limn.kernel.request import Request
    from limn.models import load

__all__ = [
    "DataError",
    "Generator",
    "InputError",
    "LimnError",
    "Picture",
    "Prompt",
    "Reader",
    "Request",
    "StoreError",
    "WeightsError",
    "__version__",
    "load",
]

__version__ = "0.1.0"

# Loaded when first used, so that `import limn` stays free of torch.
_HOMES = {
    "DataError": "limn.kernel.errors",
    "Generator": "limn.kernel.generator",
    "InputError": "limn.kernel.errors",
    "LimnError": "limn.kernel.errors",
    "Picture": "limn.kernel.generator",
    "Prompt": "limn.kernel.prompt",
    "Reader": "limn.audit.readers.reader",
    "Request": "limn.kernel.request",
    "StoreError": "limn.kernel.errors",
    "WeightsError": "limn.kernel.errors",
    "load": "limn.models",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
