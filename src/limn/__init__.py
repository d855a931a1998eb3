"""limn turns words into pictures, steers how they are made, and measures what a model draws.

>>> import limn
>>> limn.load("emoji").generate("a red heart", seed=1)[0].image.save("heart.png")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limn.audit.readers.reader import Reader, Reading
    from limn.audit.study import Study
    from limn.kernel.adapter import Adapter
    from limn.kernel.branch import Branch, Branches
    from limn.kernel.codec import Codec
    from limn.kernel.errors import DataError, InputError, LimnError, StoreError, WeightsError
    from limn.kernel.generator import Generator, Picture
    from limn.kernel.guidance import Guidance, Predictions, Rank
    from limn.kernel.level import Level
    from limn.kernel.predictor import Conditioning, Predictor
    from limn.kernel.prompt import Prompt
    from limn.kernel.registry import Part
    from limn.kernel.request import Request
    from limn.kernel.rng import Streams
    from limn.kernel.sampler import Predict, Sampler, Schedule
    from limn.kernel.step import Step
    from limn.models import load
    from limn.train.task import Task

__all__ = [
    "Adapter",
    "Branch",
    "Branches",
    "Codec",
    "Conditioning",
    "DataError",
    "Generator",
    "Guidance",
    "InputError",
    "Level",
    "LimnError",
    "Part",
    "Picture",
    "Predict",
    "Predictions",
    "Predictor",
    "Prompt",
    "Rank",
    "Reader",
    "Reading",
    "Request",
    "Sampler",
    "Schedule",
    "Step",
    "StoreError",
    "Streams",
    "Study",
    "Task",
    "WeightsError",
    "__version__",
    "load",
]

__version__ = "0.1.0"

# Loaded when first used, so that `import limn` stays free of torch.
_NAMES = {
    "limn.audit.readers.reader": "Reader Reading",
    "limn.audit.study": "Study",
    "limn.kernel.adapter": "Adapter",
    "limn.kernel.branch": "Branch Branches",
    "limn.kernel.codec": "Codec",
    "limn.kernel.errors": "DataError InputError LimnError StoreError WeightsError",
    "limn.kernel.generator": "Generator Picture",
    "limn.kernel.guidance": "Guidance Predictions Rank",
    "limn.kernel.predictor": "Conditioning Predictor",
    "limn.kernel.prompt": "Prompt",
    "limn.kernel.registry": "Part",
    "limn.kernel.request": "Request",
    "limn.kernel.rng": "Streams",
    "limn.kernel.sampler": "Predict Sampler Schedule",
    "limn.kernel.step": "Level Step",
    "limn.models": "load",
    "limn.train.task": "Task",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
