"""Carry the measured figures from benchmarks/results into the model cards and the README's table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS
from limn.train.card import write_card

ROOT = Path(__file__).parents[1]
START, END = "<!-- figures: python -m benchmarks.cards -->", "<!-- end of figures -->"


def result(name: str) -> dict[str, Any]:
    """Return a results file, empty when it has not been measured."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def share(figure: dict[str, Any]) -> str:
    """Say a share with its interval, as in ``93 % (91 to 95)``."""
    return f"{100 * figure['share']:.0f} % ({100 * figure['low']:.0f} to {100 * figure['high']:.0f})"


def shapes() -> dict[str, str]:
    """Return what was measured of the shapes model."""
    found = result("shapes_accuracy")
    kinds = {"one": "one object", "two": "two objects", "three": "three objects"}
    splits = {"train": "seen (colour, shape) pairs", "pair": "held-out pairs"}
    return {
        f"shapes, {words}, {other}: every attribute right": share(found[f"{kind}, {split}"]["all"])
        for split, other in splits.items()
        for kind, words in kinds.items()
        if f"{kind}, {split}" in found
    }


def tokens() -> dict[str, dict[str, str]]:
    """Return what was measured of the token models, by model."""
    found, figures = result("tokens_shapes_passes"), dict[str, dict[str, str]]()
    pictograms = result("tokens_pictograms_passes")
    for key, name in (("muse, 8 passes", "muse"), ("parti, 64 passes", "parti")):
        for kind, each in pictograms.get(key, {}).items():
            if kind.startswith("found among"):
                figures[name] = {f"prompt {kind} by a judge, seen and held-out pairs": share(each)}
    for key, name in (("muse_shapes, 8 passes", "muse_shapes"), ("parti_shapes, 64 passes", "parti_shapes")):
        if key in found:
            right = found[key]["attributes"]
            figures[name] = {
                "one and two objects: every attribute right": share(found[key]["all right"]),
                "one and two objects: attributes right": f"{100 * right['mean']:.0f} % "
                f"({100 * right['low']:.0f} to {100 * right['high']:.0f})",
            }
    return figures


def waiting() -> dict[str, str]:
    """Return how long a person waits."""
    found = result("speed")
    return {
        name: f"{value['median']}" if isinstance(value, dict) else f"{value}"
        for name, value in found.items()
        if name.startswith(("seconds", "pictures"))
    }


def against() -> dict[str, str]:
    """Return the comparison with diffusers."""
    found = result("against_diffusers")
    if not found:
        return {}
    sizes = [found["tiny"], found["6m"]]
    worst = max(max(size["largest difference of latents"].values()) for size in sizes)
    figures = {"latents against diffusers, largest difference": f"{worst:.1e}"}
    for name, each in found["6m"]["speed"].items():
        figures[f"{name}, 6 M U-Net: pictures a second, limn : diffusers"] = (
            f"{each['limn pictures a second']} : {each['diffusers pictures a second']}"
        )
    return figures


def emoji() -> dict[str, str]:
    """Return how often a judge finds the prompt of an emoji picture among 100."""
    found = result("retrieval")
    return {
        f"emoji, {kind}: prompt found among {each['ways']}, drawn (real pictures)": (
            f"{share(each['drawn']['top-1'])} ({100 * each['real']['top-1']['share']:.0f} %)"
        )
        for kind, each in found.items()
        if isinstance(each, dict) and "drawn" in each
    }


def drawn_as_asked() -> dict[str, str]:
    """Return what readers and judges say of the emoji model's pictures."""
    people, found = result("attributes").get("as asked", {}), dict[str, str]()
    for kind in ("seen people", "held-out people"):
        for field in ("style", "tone", "gender", "profession"):
            if kind in people:
                found[f"{kind}: {field} as asked, as read"] = share(people[kind][field])
    near = result("quality").get("against held-out real pictures", {})
    for name in ("judge_b", "DINOv2 ViT-S/14"):
        if f"drawn, {name}" in near:
            drawn, real = (near[f"{kind}, {name}"]["Frechet distance"] for kind in ("drawn", "real"))
            found[f"Frechet distance to held-out pictures by {name} (of real ones)"] = f"{drawn:.3g} ({real:.3g})"
    for kind, each in result("quality").get("similarity to the nearest training picture, by judge_b", {}).items():
        copies = each.get("copies beyond look-alikes", {})
        if "share" in copies:
            found[f"copies of training pictures beyond look-alikes, {kind}"] = share(copies)
        if own := each.get("nearest is the picture that was asked for"):
            found[f"nearest training picture is the one that was asked for, {kind}"] = f"{100 * own:.0f} %"
    scenes = result("two_objects").get("scenes", {})
    for way in ("drawn in one go", "drawn thing by thing"):
        if way in scenes:
            what = "both found, each in its place"
            found[f"scenes of two {way}: {what} (real)"] = (
                f"{share(scenes[way][what])} ({100 * scenes['real'][what]['share']:.0f} %)"
            )
    for kind, each in result("unseen_words").get("found among 100", {}).items():
        if kind.startswith(("drawn from", "the same")) and "usual" not in kind:
            found[f"prompt found among 100, {kind}"] = share(each["top-1"])
    return found


def branches() -> dict[str, str]:
    """Return what several questions in one forward cost against one after another."""
    found = result("branches")
    return {
        f"{name} in one forward, time over one by one": f"{each['time of one forward over one by one']['ratio']}"
        for name, each in found.items()
        if name.endswith("branches") and not name.startswith("1 ")
    }


def main() -> None:
    """Rewrite the cards and the table."""
    weights = ROOT / "src" / "limn" / "weights"
    measured = {"shapes": shapes(), "emoji": emoji() | drawn_as_asked(), **tokens()}
    for path in sorted(weights.glob("*/card.json")):
        card, name = json.loads(path.read_text("utf-8")), path.parent.name
        # All that emoji's card says is measured here; other cards keep what their training measured.
        before = {} if name == "emoji" else card["figures"]
        write_card(path.parent, {**card, "figures": {**before, **measured.get(name, {})}})
    rows = {**waiting(), **emoji(), **shapes(), **branches(), **against()}
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
