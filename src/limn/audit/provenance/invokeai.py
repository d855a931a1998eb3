"""What InvokeAI writes: ``invokeai_metadata`` from version 3 on, ``sd-metadata`` before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limn.audit.provenance.record import Provenance, Texts, parsed, scalars, whole

_NAMES = {
    "steps": "steps", "scheduler": "sampler", "sampler": "sampler", "cfg_scale": "scale", "clip_skip": "clip_skip",
    "negative_prompt": "negative",
}  # fmt: skip
_ABOUT = {
    "app_version", "generation_mode", "rand_device", "model", "positive_prompt", "prompt", "seed", "width", "height",
    "loras", "type", "use_cpu_noise",
}  # fmt: skip


def read(texts: Texts) -> Provenance | None:
    """Return what the texts say; None where there are none of this form."""
    new, old = parsed(texts.get("invokeai_metadata", "")), parsed(texts.get("sd-metadata", ""))
    if isinstance(new, Mapping):
        model = _name(new.get("model") or "")
        prompt = new.get("positive_prompt")
        prompt = prompt if isinstance(prompt, str) else ""
        return Provenance(
            tool="InvokeAI", prompt=prompt.strip(), seed=whole(new.get("seed")), model=model, **_further(new)
        )
    image = old.get("image") if isinstance(old, Mapping) else None
    if not isinstance(image, Mapping):
        return None
    asked = image.get("prompt") or ""
    pieces = (
        [asked]
        if isinstance(asked, str)
        else [str(one.get("prompt", "")) for one in asked if isinstance(one, Mapping)]
    )
    gap = "several weighted prompts are one picture's" if len(pieces) > 1 else ""
    words = "" if gap else "".join(pieces).strip()
    model = str(old.get("model_weights") or old.get("model") or "")
    return Provenance(
        tool="InvokeAI", prompt=words, seed=whole(image.get("seed")), model=model, gap=gap, **_further(image)
    )


def _further(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further settings, LoRA files, and what limn has no name for."""
    given = scalars(fields)
    own = {option: given[name] for name, option in _NAMES.items() if name in given}
    if (skipped := whole(own.get("clip_skip"))) is not None:
        own["clip_skip"] = str(skipped + 1)
    if {"width", "height"} <= set(given):
        own["size"] = f"{given['width']}x{given['height']}"
    loras = fields.get("loras")
    named = [one for one in loras if isinstance(one, Mapping)] if isinstance(loras, list) else []
    rest = {name: value for name, value in fields.items() if name not in _NAMES and name not in _ABOUT and value}
    return {
        "settings": own,
        "adapters": tuple((_name(one.get("model") or one.get("lora")), str(one.get("weight", 1))) for one in named),
        "unread": tuple(f"{name}: {str(value)[:100]}" for name, value in rest.items()),
    }


def _name(model: Any) -> str:
    """Return the name of a model, which later versions write with its kind and hash."""
    if isinstance(model, Mapping):
        model = model.get("model_name") or model.get("name") or model.get("key") or ""
    return str(model)
