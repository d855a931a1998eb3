"""Compare samplers at the same number of forwards: how far is each from a walk of many steps?"""

import numpy as np

import limn
from limn.kernel import registry
from limn.kernel.runner import Ledger

emoji = limn.load("emoji")


def draw(sampler: str, steps: int) -> tuple[np.ndarray, int]:
    """Return the picture and the forwards it took."""
    ledger = Ledger()
    request = emoji.request("a red heart", sampler=sampler, steps=steps, seed=1)
    *_, picture = emoji.draw(request, ledger=ledger)
    return picture.pixels.astype(float), len(ledger.forwards)


reference, _ = draw("heun", 32)
for name in ("ddim", "euler", "heun", "dpm"):
    calls = registry.find("samplers", name).calls
    pixels, forwards = draw(name, 12 // calls)
    error = np.sqrt(((pixels - reference) ** 2).mean())
    print(f"{name:6} {forwards:3} forwards, {error:5.1f}/255 from the reference")
