"""Changes to layers in the layouts of many tools: LoRA, DoRA, LoCon, LoHa and LoKr.

=========  ====================================================================================
peft       ``base_model.model.NAME.lora_A.weight``, with ``adapter_config.json`` beside it
diffusers  ``unet.NAME.lora_A.weight`` or ``NAME.processor.to_q_lora.down.weight``, ``text_encoder.`` too
kohya      ``lora_unet_NAME_WITH_UNDERSCORES.lora_down.weight``, ``lora_te_``, each with its ``.alpha``
XLabs      ``double_blocks.0.processor.qkv_lora1.down.weight``, of FLUX.1
ComfyUI    ``diffusion_model.NAME.lora_A.weight``, with the names of the original code
LyCORIS    the prefixes of kohya, with ``hada_w1_a`` or ``lokr_w1`` and the like
=========  ====================================================================================

Which layer a name means is found among the network's own names (:func:`limn.networks.low_rank.fit`), so that every
layer can be changed. The product of the two matrices is scaled by alpha / rank; alpha is a number of the file, or
what peft or diffusers note, or the rank.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor

from limn.io.configurations import parse_json, read_json
from limn.kernel.errors import WeightsError
from limn.networks.low_rank import MAX_RANK, Change, Factors, Matrix

Parts = dict[str, Tensor]
"""The tensors of one layer's change, by what they are."""

_DIFFUSERS: Final = "lora_adapter_metadata"
_ENDS: Final[Mapping[str, str]] = {
    r"\.lora_A(\.default)?\.weight": "down", r"\.lora_B(\.default)?\.weight": "up",
    r"\.lora_down\.weight": "down", r"\.lora_up\.weight": "up", r"\.lora_mid\.weight": "mid",
    r"(?<=_lora[12])\.down\.weight": "down", r"(?<=_lora[12])\.up\.weight": "up",
    r"(\.|_)lora\.down\.weight": "down", r"(\.|_)lora\.up\.weight": "up",
    r"\.lora_linear_layer\.down\.weight": "down", r"\.lora_linear_layer\.up\.weight": "up",
    r"\.lora_magnitude_vector(\.default)?(\.weight)?": "magnitude", r"\.dora_scale": "scales", r"\.alpha": "alpha",
    r"\.(?P<part>hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2))(\.default)?": "",
}  # fmt: skip
_END: Final = [(re.compile(f"(?P<name>.+?){end}"), what) for end, what in _ENDS.items()]
_NETWORKS: Final = {
    "base_model.model.": "", "unet.": "unet", "text_encoder.": "text_encoder", "text_encoder_2.": "text_encoder_2",
    "transformer.": "transformer", "transformer_2.": "transformer_2", "lora_unet_": "unet",
    "diffusion_model.": "", "lora_transformer_": "transformer",
    "lora_te_": "text_encoder", "lora_te1_": "text_encoder", "lora_te2_": "text_encoder_2",
    "text_encoder_3.": "text_encoder_3", "lora_te3_": "text_encoder_3",
}  # fmt: skip
_OLD: Final = {r"_?to_([qkv])$": r"\1_proj", r"to_out$": "out_proj"}
_PLAIN: Final[Mapping[str, tuple[Any, ...]]] = {
    "bias": ("none", None), "lora_bias": (False, None), "fan_in_fan_out": (False, None), "use_bdlora": (False, None),
    "use_qalora": (False, None), "modules_to_save": ([], None), "layer_replication": (None,),
    "peft_type": ("LORA", "LOHA", "LOKR", None), "exclude_modules": ([], None),
}  # fmt: skip
_REWRITES: Final = ("pissa", "olora", "corda", "loftq", "lora_ga")  # these start from changed weights of the model


def settings(path: Path, header: Mapping[str, str]) -> Callable[[str], Mapping[str, Any]]:
    """Return what peft or diffusers note about the changes of each network.

    Args:
        path: The file; peft's ``adapter_config.json`` beside it is followed.
        header: Text in the file's header.

    Raises:
        WeightsError: The notes are damaged, or ask for more than changes to layers.
    """
    source = path.with_name("adapter_config.json")
    if path.name == "adapter_model.safetensors" and source.exists():
        notes = read_json(source)
        _check(source, notes)
        return lambda network: notes
    text = header.get(_DIFFUSERS, "{}")
    noted = parse_json(path, text.encode())

    def of(network: str) -> dict[str, Any]:
        prefix = f"{network}."
        own = {name.removeprefix(prefix): value for name, value in noted.items() if name.startswith(prefix)}
        _check(path, own)
        return own

    return of


def read(
    path: Path, tensors: Mapping[str, Tensor], noted: Callable[[str], Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Change]], dict[str, Tensor]]:
    """Find the changes to layers among tensors.

    Args:
        path: The file, for errors.
        tensors: What is in it.
        noted: From :func:`settings`.

    Returns:
        Changes by network and layer, and the tensors that are none.

    Raises:
        WeightsError: A change is not whole, or its tensors do not fit each other.
    """
    parts: dict[tuple[str, str], Parts] = {}
    rest = {}
    for name, tensor in tensors.items():
        split = _split(name)
        if split is None:
            rest[name] = tensor
            continue
        network, layer, what = split
        own = parts.setdefault((network, layer), {})
        if what in own:
            raise WeightsError(f"{path}: has {what} of {layer[:80]} twice; get the file again")
        own[what] = tensor
    changes: dict[str, dict[str, Change]] = {}
    for (network, layer), own in parts.items():
        changes.setdefault(network, {})[layer] = _change(f"{path}: {layer[:100]}", layer, own, noted(network))
    return changes, rest


def written(factors: Mapping[tuple[str, str], Factors], layout: Literal["diffusers", "kohya"]) -> dict[str, Tensor]:
    """Return tensors by their names in a file.

    Args:
        factors: Changes by network and layer; the scale goes into the second matrix, so that alpha is the rank.
        layout: Whose names.
    """
    kohya = {"unet": "lora_unet_", "text_encoder": "lora_te_text_model_", "text_encoder_2": "lora_te2_text_model_"}
    tensors = {}
    for (network, layer), change in factors.items():
        kohya_names = layout == "kohya" and network in kohya
        if kohya_names:
            start, down, up, magnitude = (
                kohya[network] + layer.replace(".", "_"),
                "lora_down",
                "lora_up",
                "dora_scale",
            )
            tensors[f"{start}.alpha"] = torch.tensor(float(len(change.down)))
        else:
            start, down, up = ".".join(filter(None, (network, layer))), "lora_A", "lora_B"
            magnitude = "lora_magnitude_vector"
        tensors[f"{start}.{down}.weight"] = change.down
        tensors[f"{start}.{up}.weight"] = change.scale * change.up
        if change.magnitude is not None:
            tensors[f"{start}.{magnitude}"] = change.magnitude[:, None] if kohya_names else change.magnitude
    return tensors


def _split(name: str) -> tuple[str, str, str] | None:
    """Return network, layer and part of a tensor of a change; None for other tensors."""
    for end, what in _END:
        if match := end.fullmatch(name):
            start, what = match["name"], what or match["part"]
            break
    else:
        return None
    prefix = next((prefix for prefix in _NETWORKS if start.startswith(prefix)), "")
    network, layer = _NETWORKS.get(prefix, ""), start.removeprefix(prefix).replace(".processor", "")
    if network.startswith("text_encoder"):
        layer = re.sub(r"^text_model[._]", "", layer)
        for old, new in _OLD.items():
            layer = re.sub(old, new, layer)
    elif layer.endswith("to_out"):
        layer += ".0"
    return network, layer, what


def _change(where: str, layer: str, parts: Parts, noted: Mapping[str, Any]) -> Change:
    """Return the change that the tensors of one layer make up."""
    alpha = parts.pop("alpha", None)
    if alpha is not None and alpha.numel() != 1:
        raise WeightsError(f"{where}: alpha is not one number; get the file again")
    kinds = {"hada": _hadamard, "lokr": _kronecker}
    kind = next((kinds[start] for start in kinds if any(what.startswith(start) for what in parts)), None)
    try:
        if kind is not None:
            delta, rank = kind(parts)
            rank = rank or noted.get("r", 0)
            return Matrix(delta=delta * _scale(where, layer, alpha, rank, noted) if rank else delta)
        down, up = parts["down"], parts["up"]
        if "mid" in parts:  # a convolution as three: LoCon of LyCORIS with Tucker's decomposition
            down = torch.einsum("abkl,bi->aikl", parts["mid"], down.flatten(1))
        rank = len(down)
        if up.shape[1] != rank or not 1 <= rank <= MAX_RANK or down.ndim not in (2, 4) or up[0, 0].numel() != 1:
            raise ValueError(f"a rank from 1 to {MAX_RANK} is allowed")
        scale = _scale(where, layer, alpha, rank, noted)
        return Factors(down=down, up=up, scale=scale, magnitude=_magnitude(parts))
    except (KeyError, IndexError, RuntimeError, ValueError) as error:
        shapes = ", ".join(f"{what} {tuple(tensor.shape)}" for what, tensor in sorted(parts.items()))
        why = f"{error} is missing" if isinstance(error, KeyError) else "they do not fit"
        raise WeightsError(f"{where}: has {shapes or 'alpha alone'}, but {why}; get the file again") from None


def _magnitude(parts: Parts) -> Tensor | None:
    """Return the lengths (out) of a changed weight's rows, or (1, in) of its columns, as LyCORIS may have it."""
    lengths = parts.get("magnitude", parts.get("scales"))
    columns = "scales" in parts and lengths is not None and lengths.shape[0] == 1 < lengths.numel()
    return lengths if lengths is None else lengths.reshape(1, -1) if columns else lengths.flatten()


def _hadamard(parts: Parts) -> tuple[Tensor, int]:
    """Return the matrix of LoHa (Hyeon-Woo et al. 2022, arXiv:2108.06098, equation 3) and its rank."""
    factors = []
    for side in ("1", "2"):
        first, second = parts[f"hada_w{side}_a"], parts[f"hada_w{side}_b"]
        core = parts.get(f"hada_t{side}")
        factors.append(first @ second if core is None else torch.einsum("ijkl,jr,ip->prkl", core, second, first))
    return factors[0] * factors[1], parts["hada_w1_b"].shape[0]


def _kronecker(parts: Parts) -> tuple[Tensor, int]:
    """Return the matrix of LoKr (Yeh et al. 2024, arXiv:2309.14859, section 3) and its rank, 0 where it has none."""
    sides, rank = [], 0
    for side in ("1", "2"):
        whole, core = parts.get(f"lokr_w{side}"), parts.get(f"lokr_t{side}")
        if whole is None:
            first, second = parts[f"lokr_w{side}_a"], parts[f"lokr_w{side}_b"]
            rank = len(second)
            whole = first @ second if core is None else torch.einsum("ijkl,ip,jr->prkl", core, first, second)
        sides.append(whole)
    one, two = sides
    return torch.kron(one[:, :, None, None] if two.ndim == 4 else one, two.contiguous()), rank


def _scale(where: str, layer: str, alpha: Tensor | None, rank: int, noted: Mapping[str, Any]) -> float:
    """Return what the matrices are multiplied by."""
    if alpha is not None:
        value: Any = alpha.item()
    else:
        own = [given for name, given in (noted.get("alpha_pattern") or {}).items() if _names(where, name, layer)]
        value = own[0] if own else noted.get("lora_alpha", noted.get("alpha", rank))
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e6:
        raise WeightsError(f"{where}: alpha is {str(value)[:40]}; it must be a number up to a million")
    return float(value) / (math.sqrt(rank) if noted.get("use_rslora") is True else rank)


def _names(where: str, pattern: str, layer: str) -> bool:
    """Say whether a pattern of peft names a layer; an expression that is no plain name could take for ever."""
    if not re.fullmatch(r"\^?[\w.]+\$?", pattern):
        raise WeightsError(f"{where}: the pattern {pattern[:40]!r} is no plain name; write the layer's alpha out")
    name = pattern.strip("^$")
    return layer == name or (pattern[0] != "^" and layer.endswith(f".{name}"))


def _check(source: Path, notes: Mapping[str, Any]) -> None:
    """Refuse notes that ask for more than changes to layers."""
    for name, allowed in _PLAIN.items():
        if notes.get(name) not in allowed:
            asked = json.dumps(notes[name])[:40]
            raise WeightsError(f"{source}: {name} is {asked}, which limn does not know; use a LoRA without it")
    start = str(notes.get("init_lora_weights")).lower()
    if start.startswith(_REWRITES):
        raise WeightsError(
            f"{source}: init_lora_weights is {start[:20]}, which changes the model's own weights; "
            "convert it with peft's save_pretrained(path_initial_model_for_weight_conversion=...)"
        )
