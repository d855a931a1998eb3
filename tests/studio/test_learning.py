"""The whole way on a tiny Stable Diffusion folder: learned by limn, drawn alike by limn and by diffusers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lessons
import small_models
from limn import models
from limn.kernel.errors import InputError
from limn.kernel.registry import record
from limn.personalise.learned import metadata
from limn.personalise.loop import Plan
from limn.personalise.pictures import read
from limn.store import Store
from limn.studio.learning import Asked, Teaching, exact

METHODS = {
    "textual_inversion": "textual_inversion:thing=dog,vectors=2,batch=1,word=<zorp>",
    "dreambooth": "dreambooth:thing=dog,batch=1,pictures=2,rank=2,lr=0.02",
    "lora": "lora:batch=1,rank=2,lr=0.02,text=true",
    "sine": "sine:thing=dog,batch=1,rank=2,crops=2,lr=0.02,patches=0",
}


def taught(
    folder: Path, model: Path, text: str, *, out: str = "learned.safetensors", steps: int = 3, every: int = 0
) -> Teaching:
    """Learn for some steps and write the file."""
    count = 1 if text.startswith("sine") else 2
    said = ["a red dog"] if text.startswith("lora") else []
    asked = Asked(
        method=lessons.method(text),
        model=str(model),
        pictures=read(lessons.pictures(folder / "pictures", count), said),
        out=folder / out,
        plan=Plan(steps=steps, every=every or steps, looks=0),
        licence="mine",
    )
    teaching = Teaching(asked, Store(folder / "store"))
    if (request := teaching.drawing()) is not None:
        list(teaching.draw(request))
    list(teaching.learn())
    assert teaching.write() == asked.out
    return teaching


def diffusers_picture(model: Path, file: Path, prompt: str, noise: torch.Tensor) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import DDIMScheduler, StableDiffusionPipeline

        pipe = StableDiffusionPipeline.from_pretrained(model, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
        if "<zorp>" in prompt:
            pipe.load_textual_inversion(str(file))
        else:
            pipe.load_lora_weights(file.parent, weight_name=file.name)
        return pipe(prompt, num_inference_steps=3, guidance_scale=7.5, latents=noise, output_type="np").images


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.slow
def test_diffusers_draws_what_limn_learned_as_limn_does(name: str, tmp_path: Path) -> None:
    from tiny_stable_diffusion import build

    model = build(tmp_path / "model")
    teaching = taught(tmp_path, model, METHODS[name])
    file = teaching.asked.out
    prompt = "a <zorp>" if name == "textual_inversion" else "a zorp dog"
    generator, noise = models.load(str(model)), torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    request = {"seed": 5, "steps": 3, "sampler": "ddim"}
    (ours,) = generator.generate(prompt, adapter=str(file), **request)
    (plain,) = generator.generate(prompt.replace("<zorp>", "dog"), **request)
    theirs = diffusers_picture(model, file, prompt, noise)
    np.testing.assert_allclose(ours.pixels, theirs[0] * 255, atol=0.5 + 255e-4)
    assert (ours.pixels != plain.pixels).any()


def test_the_file_says_from_what_it_was_learned(tmp_path: Path) -> None:
    lessons.native(tmp_path / "model")
    teaching = taught(tmp_path, tmp_path / "model", METHODS["dreambooth"])
    noted = json.loads(metadata(teaching.asked.out)["limn"])
    assert noted["base"]["weights"] == teaching.generator.weights
    assert noted["method"] == "dreambooth"
    assert noted["recipe"].items() >= record(teaching.asked.method).items()
    assert [one["sha256"] for one in noted["pictures"]] == [one.sha256 for one in teaching.asked.pictures]
    assert (noted["licence"], noted["recipe"]["kept"]) == ("mine", 3)
    assert teaching.asked.plot.read_text("utf-8").startswith("<svg")


def test_more_steps_go_on_where_fewer_ended(tmp_path: Path) -> None:
    lessons.native(tmp_path / "model")
    text = "textual_inversion:start=random,batch=1"
    taught(tmp_path, tmp_path / "model", text, steps=2, every=2)
    longer = taught(tmp_path, tmp_path / "model", text, steps=4, every=2).learning
    assert longer is not None
    assert [one.step for one in longer.history] == [0, 2, 4]
    assert longer.kept_at == 4


def test_pictures_of_the_class_are_drawn_once(tmp_path: Path) -> None:
    lessons.native(tmp_path / "model")
    first = taught(tmp_path, tmp_path / "model", METHODS["dreambooth"])
    second = Teaching(first.asked, Store(tmp_path / "store"))
    request = second.drawing()
    assert request is not None
    assert [getattr(part, "scale", 1.0) for part in request.guidance] in (
        [],
        [1.0],
    )  # what it knows, not what is guided
    kinds = [type(event).__name__ for event in second.draw(request)]
    assert kinds.count("Kept") == 2
    assert "Drawn" not in kinds


def test_sines_grid_is_used_by_the_rows_that_carry_it(tmp_path: Path) -> None:
    lessons.native(tmp_path / "model")
    file = taught(tmp_path, tmp_path / "model", "sine:batch=2,rank=2,crops=2,lr=0.05").asked.out
    generator = models.load(str(tmp_path / "model"))
    plain, learned, none = (
        generator.generate("a zorp", seed=1, **more)[0].pixels
        for more in ({}, {"adapter": str(file)}, {"guide": [f"mixture:model={file},v=1"]})
    )
    assert (plain != learned).any()
    assert np.array_equal(plain, none), "with v of 1 the untouched model draws alone"
    mixed = generator.generate("a dog", seed=1, guide=[f"mixture:model={file},prompt=a zorp,v=0.5"])[0].pixels
    assert (mixed != generator.generate("a dog", seed=1)[0].pixels).any()


def test_a_kind_of_thing_that_the_model_never_learned_is_told(tmp_path: Path) -> None:
    lessons.native(tmp_path / "model")
    listed = {"known": ["a", "cat", "face"], "names": ["a cat face"]}
    (tmp_path / "model/vocabulary.json").write_text(json.dumps(listed), encoding="utf-8")
    pictures = read(lessons.pictures(tmp_path / "pictures"))
    usual = {
        "pictures": pictures,
        "model": str(tmp_path / "model"),
        "plan": Plan(),
        "out": tmp_path / "x.safetensors",
    }
    for thing, unknown in (("cat face", []), ("cat violin", ["violin"])):
        asked = Asked(method=lessons.method(f"dreambooth:thing={thing}"), **usual)  # type: ignore[arg-type]
        assert Teaching(asked, Store(tmp_path / "store")).unknown == unknown


def test_half_precision_learns_in_single(tmp_path: Path) -> None:
    generator: Any = small_models.stable_diffusion(tmp_path, torch.float16)
    exact(generator)
    stage = generator.main
    parts = (stage.predictor.network.module, stage.encoder.model, stage.codec.autoencoder.model)
    assert {weight.dtype for part in parts for weight in part.parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", ["native", "stable_diffusion"])
@pytest.mark.slow
def test_all_weights_are_a_model_folder_that_draws_as_the_model_that_learned(kind: str, tmp_path: Path) -> None:
    getattr(small_models, kind)(tmp_path / "model")
    text = "dreambooth:thing=dog,batch=1,pictures=2,rank=0,lr=0.01"
    teaching = taught(tmp_path, tmp_path / "model", text, out="changed")
    loaded = models.load(str(tmp_path / "changed"))
    before, after = (lessons.weights(generator) for generator in (models.load(str(tmp_path / "model")), loaded))
    kept = {f"network.{name}": tensor for name, tensor in teaching.learning.kept.items()}  # type: ignore[union-attr]
    assert all(torch.equal(after[name], tensor) for name, tensor in kept.items())
    assert any(not torch.equal(before[name], after[name]) for name in kept)


def test_what_cannot_be_learned_is_refused_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons.native(tmp_path / "model")
    pictures = read(lessons.pictures(tmp_path / "pictures"))

    def asking(text: str = "textual_inversion:start=random", **more: Any) -> Asked:
        usual = {"out": tmp_path / "x.safetensors", "plan": Plan(), "model": str(tmp_path / "model")}
        return Asked(method=lessons.method(text), pictures=pictures, **{**usual, **more})

    store = Store(tmp_path / "store")
    for wrong, said in (
        ({"held": 3}, "held: 3 of 3"),
        ({"out": tmp_path / "x.pt"}, r"a file that ends in \.safetensors"),
        ({"text": "dreambooth:thing=dog,rank=0"}, "a folder"),
    ):
        with pytest.raises(InputError, match=said):
            Teaching(asking(**wrong), store)  # type: ignore[arg-type]
    (tmp_path / "x.svg").write_text("somebody's")
    with pytest.raises(InputError, match=r"x\.svg: exists and is not limn's"):
        Teaching(asking(), store)
    monkeypatch.setattr(models, "load", lambda *_, **__: small_models.tokens())
    with pytest.raises(InputError, match="draws tokens; learn on emoji"):
        Teaching(asking(), store)
