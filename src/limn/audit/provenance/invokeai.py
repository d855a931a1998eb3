"""What InvokeAI writes: ``invokeai_metadata`` from version 3 on, ``sd-metadata`` before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limn.audit.provenance.record import Provenance, Texts, parsed, whole


def read(texts: Texts) -> Provenance | None:
    """Return what the texts say; None where there are none of this form."""
    new, old = parsed(texts.get("invokeai_metadata", "")), parsed(texts.get("sd-metadata", ""))
    if isinstance(new, Mapping):
        model: Any = new.get("model") or ""
        if isinstance(model, Mapping):
            model = model.get("model_name") or model.get("name") or model.get("key") or ""
        prompt = new.get("positive_prompt")
        prompt = prompt if isinstance(prompt, str) else ""
        return Provenance(tool="InvokeAI", prompt=prompt.strip(), seed=whole(new.get("seed")), model=str(model))
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
    return Provenance(tool="InvokeAI", prompt=words, seed=whole(image.get("seed")), model=model, gap=gap)
