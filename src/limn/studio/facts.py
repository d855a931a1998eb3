"""Under what circumstances a picture is drawn: versions, commit, device, threads."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import torch

from limn.kernel.errors import InputError
from limn.store.record import environment

__all__ = ["check_device", "differences", "facts"]


def facts(device: str = "cpu") -> dict[str, Any]:
    """Return what decides, beside the request, whether a picture comes out the same to the last bit.

    Args:
        device: Where the model runs.

    Returns:
        JSON-ready data: versions, commit and dirty flag of limn's checkout, platform, device class and threads.
    """
    return {**environment(), "device": _device_class(device), "threads": torch.get_num_threads()}


def check_device(device: str) -> str:
    """Return the device if this machine has it.

    Raises:
        InputError: If it does not, or the name says nothing.
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError):
        there = ["cpu", *(f"cuda:{place}" for place in range(torch.cuda.device_count()))]
        raise InputError(f"device: {device[:40]!r} cannot be used here; choose from: {', '.join(there)}") from None
    if found.type == "meta":
        raise InputError(f"device: {device!r} holds no values; choose cpu or cuda")
    return device


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in words what is not as it was.

    Args:
        recorded: The facts in a picture's record.
        now: The facts of this process.

    >>> differences({"device": "cpu x", "threads": 2}, {"device": "cpu y", "threads": 2})
    ('device was cpu x and is cpu y',)
    """
    old, new = _flat(recorded), _flat(now)
    return tuple(
        f"{name} was {old.get(name, 'unknown')} and is {new.get(name, 'unknown')}"
        for name in ("device", "threads", "torch", "diffusers", "transformers", "limn", "commit")
        if old.get(name) != new.get(name)
    )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    versions = facts.get("versions")
    dirty = "with changes" if facts.get("dirty") else ""
    commit = f"{str(facts.get('commit', 'unknown'))[:12]} {dirty}".strip()
    return {**facts, **(versions if isinstance(versions, Mapping) else {}), "commit": commit}


def _device_class(device: str) -> str:
    kind = torch.device(device).type
    if kind == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    if kind == "cpu":
        return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return kind
