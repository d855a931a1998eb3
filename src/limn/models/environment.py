"""Under what circumstances a picture is drawn: versions, commit, device, threads, and what came from a hub."""

from __future__ import annotations

import platform
from typing import Any

import torch

from limn.kernel.model_names import split_name
from limn.kernel.request import Request
from limn.models import locating
from limn.store.record import environment


def facts(device: str = "cpu", request: Request | None = None) -> dict[str, Any]:
    """Return what decides, beside the request, whether a picture comes out the same to the last bit.

    Args:
        device: Where the model runs.
        request: What is drawn.

    Returns:
        JSON-ready data: versions, commit and dirty flag of limn's checkout, platform, device class and threads;
        commit and licence of what the request names of a hub, by name.
    """
    names = [split_name(request.model)[0], *request.files] if request else []
    known = {name: one for name in names if (one := locating.find(name)) is not None}
    pulled = {name: {"commit": one.commit, "licence": one.licence} for name, one in known.items()}
    own = {**environment(), "device": _device_class(device), "threads": torch.get_num_threads()}
    return {**own, **({"pulled": pulled} if pulled else {})}


def _device_class(device: str) -> str:
    kind = torch.device(device).type
    if kind == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    if kind == "cpu":
        return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return kind
