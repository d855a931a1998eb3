"""What ComfyUI writes: ``prompt``, the graph as it ran, and ``workflow``, the graph as it was drawn on the screen.

A graph may do anything. Words are those of the text nodes that a sampler's ``positive`` input comes from; where a
graph has several of them, or makes its text while it runs, the file does not say what was asked, and is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from limn.audit.provenance.record import Provenance, Texts, parsed, scalars, stem, whole

Graph = Mapping[str, Mapping[str, Any]]
"""Nodes by number: ``class_type`` and ``inputs``, where ``["4", 0]`` stands for the first output of node 4."""

WORDS = ("text", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "string", "value", "prompt")
"""Inputs that hold what is asked, in text nodes and in nodes of plain strings."""

WIDGETS = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "KSamplerSelect": ("sampler_name",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "FluxGuidance": ("guidance",),
    "LoraLoader": ("lora_name", "strength_model"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "RandomNoise": ("noise_seed",),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
}
"""What the first fields of a node on the screen are; those without a name say what a seed does next."""

_NAMES = {"steps": "steps", "cfg": "scale", "guidance": "scale", "sampler_name": "sampler", "scheduler": "spacing"}
_KNOWN = {
    *WIDGETS, "SamplerCustom", "SamplerCustomAdvanced", "BasicGuider", "CFGGuider", "CLIPLoader", "DualCLIPLoader",
    "TripleCLIPLoader", "VAELoader", "ConditioningZeroOut",
}  # fmt: skip


def read(texts: Texts) -> Provenance | None:
    """Return what the graphs say; None where there is none."""
    ran, drawn = parsed(texts.get("prompt", "")), parsed(texts.get("workflow", ""))
    graph = _nodes(ran) or _from_screen(drawn)
    if not graph:
        return None
    samplers = [name for name, node in graph.items() if "positive" in node["inputs"] or "guider" in node["inputs"]]
    asked = {words for name in samplers for words in _asked(graph, name)}
    seeds = {seed for name in samplers if (seed := _seed(graph, name)) is not None}
    models = {model for name in samplers if (model := _model(graph, name))}
    gap = ""
    if len(asked) != 1 or "" in asked:
        gap = "its graph has several prompts" if len(asked) > 1 else "its graph does not show the prompt"
    return Provenance(
        tool="ComfyUI",
        prompt="" if gap else asked.pop(),
        seed=seeds.pop() if len(seeds) == 1 else None,
        model=models.pop() if len(models) == 1 else "",
        gap=gap,
        **(_further(graph, samplers[0]) if len(samplers) == 1 else {"unread": (f"{len(samplers)} samplers",)}),
    )


def _further(graph: Graph, name: str) -> dict[str, Any]:
    """Return what else a sampler is told: settings, LoRA files, and nodes that limn has no name for."""
    inputs = graph[name]["inputs"]
    parts = [inputs, *(_node(graph, inputs.get(field)) for field in ("sigmas", "sampler", "guider"))]
    before = [graph[place] for place in _up(graph, [name], leaving=())]
    parts += [node["inputs"] for node in before if "guidance" in node["inputs"]]
    given = {field: value for part in reversed(parts) for field, value in scalars(part).items()}
    own = {option: given[field] for field, option in _NAMES.items() if field in given}
    room = scalars(_node(graph, inputs.get("latent_image")))
    if {"width", "height"} <= set(room):
        own["size"] = f"{room['width']}x{room['height']}"
    if negative := [words for words in _asked(graph, name, ("negative",)) if words]:
        own["negative"] = negative[0]
    loras, skips, unread = [], [], []
    for node in before:
        fields, kind = scalars(node["inputs"]), str(node["class_type"])
        if "lora_name" in fields:
            loras.append((stem(fields["lora_name"]), fields.get("strength_model", "1")))
        elif "stop_at_clip_layer" in fields:
            skips.append(fields["stop_at_clip_layer"].removeprefix("-"))
        elif kind not in _KNOWN and not kind.startswith("Empty") and not set(WORDS) & set(fields):
            unread.append(f"node {kind[:60]}")
    if given.get("denoise", "1") not in ("1", "1.0"):
        unread.append(f"denoise: {given['denoise']}")
    settings = {**own, **({"clip_skip": skips[0]} if skips else {})}
    return {"settings": settings, "adapters": tuple(loras), "unread": tuple(dict.fromkeys(unread))}


def _nodes(graph: Any) -> Graph:
    """Return a graph's nodes, those that are whole."""
    if not isinstance(graph, Mapping):
        return {}
    return {
        str(name): node
        for name, node in graph.items()
        if isinstance(node, Mapping) and "class_type" in node and isinstance(node.get("inputs"), Mapping)
    }


def _from_screen(workflow: Any) -> Graph:
    """Return the nodes of a graph as it was drawn on the screen, as they would run."""
    if not isinstance(workflow, Mapping) or not isinstance(workflow.get("nodes"), list):
        return {}
    links = {
        link[0]: [str(link[1]), link[2]]
        for link in workflow.get("links") or ()
        if isinstance(link, list) and len(link) > 4
    }
    graph = {}
    for node in workflow["nodes"]:
        if not isinstance(node, Mapping) or node.get("mode") in (2, 4):  # switched off, or passed by
            continue
        kind, fields = str(node.get("type")), node.get("widgets_values")
        own = zip(WIDGETS.get(kind, ()), fields if isinstance(fields, list) else (), strict=False)
        wired = {
            str(entry.get("name")): links[entry["link"]]
            for entry in node.get("inputs") or ()
            if isinstance(entry, Mapping) and entry.get("link") in links
        }
        graph[str(node.get("id"))] = {"class_type": kind, "inputs": {**dict(own), **wired}}
    return graph


def _asked(graph: Graph, name: str, fields: tuple[str, ...] = ("positive", "guider")) -> Iterator[str]:
    """Give the words that a sampler is asked for; empty where a node makes them while it runs."""
    inputs = graph[name]["inputs"]
    for field in fields:
        for place in _up(
            graph, inputs.get(field), leaving=("negative", "model", "clip", "vae", "image", "control_net")
        ):
            given = [graph[place]["inputs"][word] for word in WORDS if word in graph[place]["inputs"]]
            texts = dict.fromkeys(words.strip() for words in given if isinstance(words, str) and words.strip())
            if len(texts) == 1:
                yield next(iter(texts))
            elif given and not any(isinstance(words, list) for words in given):
                yield from texts or [""]


def _seed(graph: Graph, name: str) -> int | None:
    inputs = graph[name]["inputs"]
    noise = _node(graph, inputs.get("noise"))
    seeds = [whole(fields.get(field)) for fields in (inputs, noise) for field in ("seed", "noise_seed")]
    return next((seed for seed in seeds if seed is not None), None)


def _model(graph: Graph, name: str) -> str:
    """Return the name of the file of weights that a sampler's model comes from."""
    inputs = graph[name]["inputs"]
    start = inputs.get("model") or _node(graph, inputs.get("guider")).get("model")
    for place in _up(graph, start, leaving=("clip", "vae", "positive", "negative", "image")):
        for field in ("ckpt_name", "unet_name", "model_name"):
            if isinstance(graph[place]["inputs"].get(field), str):
                return stem(graph[place]["inputs"][field])
    return ""


def _node(graph: Graph, link: Any) -> Mapping[str, Any]:
    """Return the inputs of the node that a link comes from."""
    known = graph.get(str(link[0])) if isinstance(link, list) and link else None
    return known["inputs"] if known else {}


def _up(graph: Graph, link: Any, *, leaving: tuple[str, ...]) -> Iterator[str]:
    """Give the nodes that a link comes from, directly or through others, each once."""
    waiting, known = [link], set[str]()
    while waiting:
        link = waiting.pop(0)
        name = str(link[0]) if isinstance(link, list) and link else ""
        if name in known or name not in graph:
            continue
        known.add(name)
        yield name
        waiting += [value for field, value in graph[name]["inputs"].items() if field not in leaving]
