"""Whether real sizes load and draw: Stable Diffusion 1.5 and SDXL as published, with random weights in bfloat16.

Each is written to disk in half precision, loaded and drawn two steps of one picture of 64 pixels in a process of
its own, whose peak of memory is told beside what ``limn`` says before it loads.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import limn.models
from benchmarks.kit.run import run
from limn.models import memory
from limn.models.checkpoints.shared.networks import blank
from limn.models.checkpoints.shared.published import V1, XL
from limn.networks.weights import write_tensors


def build(folder: Path, published: Any) -> int:
    """Write a model folder of published shapes with random weights, part by part; return its bytes."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models" / "checkpoints"))
    import tiny

    torch.manual_seed(0)
    index: dict[str, Any] = {
        "_class_name": "StableDiffusionXLPipeline" if published is XL else "StableDiffusionPipeline"
    }
    for part, fields in published.items():
        (folder / part).mkdir(parents=True)
        if part == "scheduler":
            index[part] = ["diffusers", fields["_class_name"]]
            (folder / part / "scheduler_config.json").write_text(json.dumps(fields))
            continue
        network = blank(part, fields, folder)
        text = part.startswith("text_encoder")
        index[part] = ["transformers" if text else "diffusers", type(network).__name__]
        (folder / part / "config.json").write_text(json.dumps(fields))
        tensors = {
            name: torch.ones(own.shape, dtype=torch.bfloat16) if own.ndim == 1
            else torch.empty(own.shape, dtype=torch.bfloat16).normal_(std=0.02)
            for name, own in network.state_dict().items()
        }  # fmt: skip
        write_tensors(folder / part / f"{'model' if text else 'diffusion_pytorch_model'}.safetensors", tensors)
        if text:
            words = part.replace("text_encoder", "tokenizer")
            index[words] = ["transformers", "CLIPTokenizer"]
            tiny.tokenizer().save_pretrained(folder / words)
    (folder / "model_index.json").write_text(json.dumps(index))
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def drawn(folder: str, lean: bool, side: int, steps: int) -> None:
    """Load and draw in this process, and print what it took."""
    before, begun = _peak(), time.perf_counter()
    generator = limn.models.load(f"{folder}:dtype=bfloat16")
    loaded, ready = _peak(), time.perf_counter()
    if lean:
        generator.drop_encoders()
    request = generator.request("a red heart", steps=steps, size=side)
    picture = generator.together(request, request.items())[0]
    figures = {
        "load seconds": ready - begun,
        "draw seconds": time.perf_counter() - ready,
        "numbers": picture.flaw == "",
    }
    print(
        json.dumps({**figures, "peak loaded GB": (loaded - before) / 1e9, "peak drawn GB": (_peak() - before) / 1e9})
    )


def _peak() -> int:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()  # what rusage says is the parent's too
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def measure(published: Any, side: int, steps: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        size = build(folder, published)
        figures: dict[str, Any] = {"threads": torch.get_num_threads(), "steps": steps, "pixels": side}
        figures["weights GB"] = size / 1e9
        figures["said before loading GB"] = (size + memory.drawing((side, side), 2)) / 1e9
        for lean in (False, True):
            command = [
                sys.executable,
                "-c",
                f"from benchmarks.real_size import drawn; drawn({str(folder)!r}, {lean}, {side}, {steps})",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            own = json.loads(done.stdout.splitlines()[-1])
            figures["encoders dropped" if lean else "encoders kept"] = own
            print(own, flush=True)
    return figures


def stable_diffusion(*, side: int = 64, steps: int = 2) -> dict[str, Any]:
    return measure(V1, side, steps)


def sdxl(*, side: int = 64, steps: int = 2) -> dict[str, Any]:
    return measure(XL, side, steps)


if __name__ == "__main__":
    run({"stable_diffusion": stable_diffusion, "sdxl": sdxl}, quick={"steps": 1})
