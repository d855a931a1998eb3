"""How much the invisible mark outlives, how often it is seen where none is, and what marking and signing cost.

python -m benchmarks.marks --write
"""

import argparse
import io
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
from PIL import Image, ImageFilter

from benchmarks.kit.results import read, write
from limn import models
from limn.provenance.authority import authority, mark_key
from limn.provenance.credential import Signer
from limn.provenance.mark import LEVEL, detect, embed
from limn.store.png import encode_png

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
WORDS = ("a red heart", "a green apple", "a dog", "a bowl of noodles", "an owl", "a rocket", "a tree", "a woman")


def jpeg(quality: int) -> Change:
    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")

    return change


def scaled(by: float, how: Image.Resampling = Image.Resampling.LANCZOS) -> Change:
    return lambda image, _: image.resize((round(image.width * by), round(image.height * by)), how)


def cropped(share: float) -> Change:
    def change(image: Image.Image, random: np.random.Generator) -> Image.Image:
        side = round(image.width * math.sqrt(share))
        left, top = (int(random.integers(0, image.width - side + 1)) for _ in range(2))
        return image.crop((left, top, left + side, top + side))

    return change


def noisy(image: Image.Image, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image) + random.normal(0, 8, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def screenshot(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Shown at 125 %, cut out with some of the page around it, and sent as JPEG."""
    larger = scaled(1.25, Image.Resampling.BILINEAR)(image, random)
    page = Image.new("RGB", (larger.width + 40, larger.height + 60), (245, 245, 245))
    page.paste(larger, (17, 31))
    return jpeg(85)(page, random)


CHANGES: dict[str, Change] = {
    "as written": lambda image, _: image,
    "JPEG, quality 90": jpeg(90),
    "JPEG, quality 70": jpeg(70),
    "JPEG, quality 50": jpeg(50),
    "scaled to 50 %": scaled(0.5),
    "scaled to 75 %": scaled(0.75),
    "scaled to 150 %": scaled(1.5),
    "cropped to 75 % of its area": cropped(0.75),
    "cropped to 50 % of its area": cropped(0.5),
    "blurred, 1 pixel": lambda image, _: image.filter(ImageFilter.GaussianBlur(1)),
    "noise of 8 levels": noisy,
    "a screenshot at 125 % in JPEG 85": screenshot,
}


def pictures(count: int, side: int) -> list[np.ndarray]:
    """Draw pictograms and enlarge them by the learned upsampler to 256 pixels; other sides are scaled from there."""
    from limn.studio.upscaling import method

    generator, larger = models.load("emoji"), method()
    request = generator.request(WORDS, n=math.ceil(count / len(WORDS)), seed=20_000)
    drawn = [event.pixels for event in generator.draw(request) if hasattr(event, "pixels")][:count]
    enlarged = [larger.enlarge(pixels) for pixels in drawn]
    if side == 256:
        return enlarged
    return [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.LANCZOS)) for one in enlarged]


def share(hits: int, of: int) -> dict[str, Any]:
    interval = scipy.stats.binomtest(hits, of).proportion_ci(method="exact")
    return {"share": hits / of, "of": of, "interval": [round(interval.low, 4), round(interval.high, 4)]}


def outlived(sides: tuple[int, ...], count: int, key: bytes) -> dict[str, Any]:
    random, table = np.random.default_rng(0), {}
    for side in sides:
        originals = pictures(count, side)
        marked = [embed(pixels, bytes([k, 1, 2, 3]), key) for k, pixels in enumerate(originals)]
        noise = [
            10 * math.log10(255**2 / np.mean((a.astype(float) - b) ** 2))
            for a, b in zip(marked, originals, strict=True)
        ]
        rows = {}
        for name, change in CHANGES.items():
            found = [detect(np.asarray(change(Image.fromarray(pixels), random)), key) for pixels in marked]
            read = sum(one.message == bytes([k, 1, 2, 3]) for k, one in enumerate(found))
            rows[name] = {
                "found": share(sum(one.marked for one in found), count),
                "message read": share(read, count),
            }
            print(side, name, rows[name], flush=True)
        table[f"{side} pixels"] = {"PSNR in dB, median": round(float(np.median(noise)), 1), "changes": rows}
    return table


def unmarked(count: int, key: bytes) -> dict[str, Any]:
    """Look for the mark in drawn pictures without one: in all at their own size, in a tenth at every size."""
    random, generator = np.random.default_rng(1), models.load("emoji")
    request = generator.request(WORDS, n=math.ceil(count / len(WORDS)), seed=20_000)
    drawn = [event.pixels for event in generator.draw(request) if hasattr(event, "pixels")][:count]
    p_values: dict[str, list[float]] = {"own size": [], "every size": []}
    for place, pixels in enumerate(drawn):
        side = int(random.integers(160, 257))
        larger = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))
        p_values["own size"].append(detect(larger, key, sizes=()).p_value)
        if place % 10 == 0:
            p_values["every size"].append(detect(larger, key).p_value)
    return {
        "stated rate": LEVEL,
        **{
            name: {"seen": share(sum(p <= LEVEL for p in values), len(values)), "least p-value": min(values)}
            for name, values in p_values.items()
        },
    }


def costs(key: bytes) -> dict[str, Any]:
    signer, figures = Signer(authority()), {}
    for side in (64, 256, 512):
        pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        data = encode_png(pixels, {"prompt": "a cat"})
        times: dict[str, list[float]] = {"mark": [], "sign": []}
        for _ in range(21):
            start = time.process_time()  # the processor's, whatever else is at work
            embed(pixels, b"abcd", key)
            middle = time.process_time()
            signed = signer.sign(data)
            times["mark"].append(middle - start)
            times["sign"].append(time.process_time() - middle)
        figures[f"{side} pixels"] = {
            **{
                f"{name}, processor's ms, median after the first": round(1e3 * float(np.median(values[1:])), 1)
                for name, values in times.items()
            },
            "bytes that a credential adds": len(signed) - len(data),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="pictures for each change")
    parser.add_argument("--unmarked", type=int, default=1000)
    parser.add_argument("--parts", nargs="+", default=["costs", "outlived", "unmarked"], help="the others stay")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--sides", nargs="+", type=int, default=[128, 256, 512], help="of --parts outlived")
    given, key = parser.parse_args(), mark_key()
    measures = {
        "costs": lambda: costs(key),
        "outlived": lambda: before.get("outlived", {}) | outlived(tuple(given.sides), given.count, key),
        "unmarked": lambda: unmarked(given.unmarked, key),
    }
    before = read("marks")
    result = {name: part() if name in given.parts else before[name] for name, part in measures.items()}
    print(result)
    if given.write:
        write(
            "marks", result, f"python -m benchmarks.marks --write --count {given.count} --unmarked {given.unmarked}"
        )


if __name__ == "__main__":
    main()
