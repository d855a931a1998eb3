"""Draw the committed 8x8 sheet of a model of emoji: picture k with seed k, none chosen by hand."""

from __future__ import annotations

from benchmarks.kit import results
from benchmarks.kit.drawing import generator_of
from benchmarks.kit.run import command, run

from limn.io.files import sha256_of
from limn.store.sheet import grid

ROWS = {
    "hearts and shapes": ["a red heart", "a blue heart", "a green heart", "a yellow star", "a red circle",
                          "an orange square", "a purple circle", "a broken heart"],
    "faces": ["a smiling face", "a crying face", "an angry face", "a face with sunglasses", "a sleeping face",
              "a cat face", "a robot face", "a clown face"],
    "food": ["a red apple", "a slice of pizza", "a banana", "a hamburger", "a birthday cake", "a carrot",
             "a cup of coffee", "a bunch of grapes"],
    "animals": ["a dog", "a pig", "a panda", "a frog", "a fish", "a bird", "a butterfly", "an elephant"],
    "people": ["a woman firefighter with dark skin", "a man cook with light skin", "a woman doctor with medium skin",
               "a man farmer with dark skin", "a woman astronaut", "a man judge", "an old woman", "a boy"],
    "things": ["a blue car", "a rocket", "a house", "a key", "an umbrella", "a book", "a clock", "a guitar"],
    "styles": ["a 3d render of a sun", "a noto emoji of a sun", "a twemoji of a sun", "a flat drawing of a sun",
               "a 3d render of a tree", "a noto emoji of a tree", "a twemoji of a tree", "a flat drawing of a tree"],
    "two objects": ["a red apple to the left of a dog", "a cat above a red heart", "a big star and a small moon",
                    "a car to the right of a house", "a fish below a boat", "a banana to the left of a banana",
                    "a small red heart above a big blue heart", "a bee and a flower"],
}  # fmt: skip


def measure(*, model: str = "emoji") -> None:
    """Draw, write ``docs/pictures/MODEL.webp`` and ``results/MODEL_sheet.json``."""
    generator, path = generator_of(model), results.picture(f"pictures/{model}.webp")
    prompts = [prompt for row in ROWS.values() for prompt in row]
    pictures = [generator.generate(prompt, seed=place)[0].image for place, prompt in enumerate(prompts)]
    grid(pictures, columns=8).save(path, quality=90, method=6)
    figures = {"file": path.name, "sha256": sha256_of(path), "seed": "place", "rows": ROWS}
    print(results.write(f"{model}_sheet", figures, command()))


if __name__ == "__main__":
    run(measure)
