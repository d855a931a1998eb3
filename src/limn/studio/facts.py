"""Whether a device is here, and what is not as it was when a picture was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from limn.kernel.errors import InputError


def check_device(device: str) -> str:
    """Return the device if this machine has it.

    Raises:
        InputError: If it does not, or the name says nothing.
    """
    try:
        kind = torch.device(device)
        torch.empty(0, device=kind)
    except (RuntimeError, AssertionError):
        there = ["cpu", *(f"cuda:{place}" for place in range(torch.cuda.device_count()))]
        raise InputError(f"device: {device[:40]!r} cannot be used here; choose from: {', '.join(there)}") from None
    if kind.type == "meta":
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
