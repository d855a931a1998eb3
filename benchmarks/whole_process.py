"""One side of ``against_diffusers`` as a whole process; nothing heavy is imported before the clock runs."""

import time

from benchmarks.kit.timing import peak


def whole(side: str, folder: str) -> tuple[float, float]:
    """Load a model in this process and draw a picture; return seconds until it was loaded, and MiB."""
    start = time.perf_counter()
    if side == "limn":
        import limn

        generator = limn.load(folder)
        ready = time.perf_counter() - start
        generator.generate("a red cat", steps=10)
    else:
        from diffusers import StableDiffusionPipeline

        pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, local_files_only=True)
        ready = time.perf_counter() - start
        pipeline.set_progress_bar_config(disable=True)
        pipeline("a red cat", num_inference_steps=10)
    return ready, peak()
