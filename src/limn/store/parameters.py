"""The community's ``parameters`` text, for people and for other tools.

The form cannot tell a prompt's own line "Steps: 3" from a setting, so nothing here reads it back: the JSON record
is the truth. What is written is made safe to read: prompts take one line each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_SAMPLERS = {
    "ddim": "DDIM",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "lcm": "LCM",
    "tcd": "TCD",
    "unipc": "UniPC",
}
_SCHEDULES = {"karras": "Karras", "exponential": "Exponential", "beta": "Beta"}


def parameters_text(record: Mapping[str, Any]) -> str:
    """Return a record in the form that Stable Diffusion tools show and read.

    Args:
        record: As a run saves it: ``prompt``, ``seed``, ``model_file`` (SHA-256 of a file of weights) and, here or
            below ``request``, ``steps``, ``sampler``, ``spacing``, ``guidance``, ``width``, ``height``, ``model``;
            all optional. Of a path to a model only its name is written.

    >>> text = parameters_text({"prompt": "a red heart", "seed": 7, "steps": 4, "sampler": {"name": "dpmpp_2m"}})
    >>> text.partition(", Version")[0].splitlines()
    ['a red heart', 'Steps: 4, Sampler: DPM++ 2M, Seed: 7']
    """
    request = record.get("request")
    merged = {**(request if isinstance(request, Mapping) else {}), **record}
    free = next((part for part in _parts(merged.get("guidance")) if part.get("name") == "classifier_free"), {})
    sampler = next(iter(_parts(merged.get("sampler"))), {}).get("name")
    size = f"{merged['width']}x{merged['height']}" if "width" in merged and "height" in merged else None
    weights, model = merged.get("model_file"), merged.get("model")
    settings = {
        "Steps": merged.get("steps"),
        "Sampler": _SAMPLERS.get(str(sampler), sampler),
        "Schedule type": _SCHEDULES.get(str(merged.get("spacing"))),
        "CFG scale": free.get("scale"),
        "Seed": merged.get("seed"),
        "Size": size,
        "Model hash": weights[:10] if isinstance(weights, str) else None,
        "Model": re.split(r"[/\\]", model.rstrip("/\\"))[-1].removesuffix(".safetensors")
        if isinstance(model, str)
        else None,
        "Version": f"limn {_version()}",
    }
    negative = _line(merged.get("negative") or free.get("against") or "")
    lines = [_line(prompt_of(merged)), *([f"Negative prompt: {negative}"] if negative else [])]
    lines.append(
        ", ".join(f"{name}: {_value(value)}" for name, value in settings.items() if value not in (None, ""))
    )
    return "\n".join(lines)


def prompt_of(record: Mapping[str, Any]) -> str:
    """Return a record's prompt as text, whether it is text or a prompt's record; empty when there is none."""
    prompt = record.get("prompt")
    if isinstance(prompt, Mapping):
        prompt = prompt.get("text")
    return prompt if isinstance(prompt, str) else ""


def _parts(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, str):
        return [{"name": value}]
    items = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in items if isinstance(item, Mapping)]


def _line(text: Any) -> str:
    """Fold text into one line that no reader takes for the start of the settings."""
    line = " ".join(line.strip() for line in _storable(str(text)).splitlines()).strip()
    return f'"{line}"' if re.match(r"(negative prompt|steps)\s*:", line, re.IGNORECASE) else line


def _value(value: Any) -> str:
    text = _line(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[,:"]', text) else text


def _storable(text: str) -> str:
    """Replace what a PNG text chunk cannot hold: NUL and half characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


@cache
def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("limn")
    except metadata.PackageNotFoundError:
        return "unknown"
