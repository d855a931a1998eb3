"""Under what circumstances a picture is drawn: versions, commit, device, threads."""

from __future__ import annotations

import platform
from typing import Any

import torch

from limn.store.record import environment


def facts(device: str = "cpu") -> dict[str, Any]:
    """Return what decides, beside the request, whether a picture comes out the same to the last bit.

    Args:
        device: Where the model runs.

    Returns:
        JSON-ready data: versions, commit and dirty flag of limn's checkout, platform, device class and threads.
    """
    return {**environment(), "device": _device_class(device), "threads": torch.get_num_threads()}


def _device_class(device: str) -> str:
    kind = torch.device(device).type
    if kind == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    if kind == "cpu":
        return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return kind
