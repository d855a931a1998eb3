from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from limn import models
from limn.data.picture_set import load
from limn.data.shapes import Scene, batch, caption, prompts
from limn.data.split import SPLITS, STYLES, half_of, unit
from limn.networks.dual_encoder import DualEncoder
from limn.networks.token_embeddings import TokenVectors
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse
from limn.train.tasks.contrastive import Contrastive, info_nce
from limn.train.worlds.pictograms import half
from limn.train.worlds.shapes import holds

SAMPLE = Path(__file__).parents[2] / "sample" / "pictograms"
NETWORK = {"size": 64, "patch": 8, "widths": [16], "blocks": [1], "width": 16, "heads": 2, "depth": 1, "out": 8}


def recipe(*, network: dict[str, object] | None = None, rows: int = 12, **data: object) -> Recipe:
    return parse({
        "name": "tiny", "task": "contrastive", "schedule": {"steps": 6, "warmup": 2}, "optimiser": {"batch": rows},
        "data": {"folder": str(SAMPLE), **data}, "network": {**NETWORK, **(network or {})},
        "saving": {"steps": 4, "sheet_minutes": 0.0},
    })  # fmt: skip


SHAPES = {"network": {"size": 32, "noisy": True}, "world": "shapes", "jitter": 0.5}
PICTURES = {"half": "a", "scenes": 0.3, "toned": 0.5, "jitter": 0.5}


def test_info_nce_has_a_closed_form() -> None:
    a, b, c, d = 1.0, -0.5, 0.25, 2.0
    found = info_nce(torch.tensor([[a, b], [c, d]]))
    soft = lambda own, other: math.log(1 + math.exp(other - own))  # noqa: E731
    assert float(found) == pytest.approx((soft(a, b) + soft(d, c) + soft(a, c) + soft(d, b)) / 4)


def test_a_true_pair_is_no_negative() -> None:
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    true = torch.eye(3, dtype=torch.bool)
    assert torch.equal(info_nce(logits, true), info_nce(logits))
    true[0, 1] = True
    (gradient,) = torch.autograd.grad(info_nce(logits, true), logits)
    assert gradient[0, 1] == 0
    assert (gradient[~true] > 0).all()
    assert float(info_nce(logits, torch.ones(3, 3, dtype=torch.bool)).detach()) == 0


def test_halves_are_disjoint_whole_and_stable() -> None:
    source = load(SAMPLE, SPLITS)
    a, b = (set(half(source, name).columns["key"]) for name in "ab")
    assert not a & b
    assert a | b == set(source.columns["key"]) == set(half(source, "").columns["key"])
    keys = [f"{style}/{number:x}" for style in STYLES for number in range(0x1F300, 0x1F600)]
    for style in STYLES:
        share = np.mean([half_of(key) == "a" for key in keys if key.startswith(style)])
        assert share == pytest.approx(0.5, abs=0.06)
    assert [half_of(key) for key in keys[:6]] == ["a" if unit("half:" + key) < 0.5 else "b" for key in keys[:6]]
    assert "".join(map(half_of, keys[:12])) == "abbbabababbb"


@pytest.mark.parametrize("plan", [SHAPES, PICTURES], ids=["shapes", "pictograms"])
def test_a_batch_follows_from_the_seed_and_the_step_alone(plan: dict[str, object]) -> None:
    one, two = (Contrastive(recipe(**plan), "cpu") for _ in range(2))  # type: ignore[arg-type]
    two.pairs(7)
    for step in (3, 0, 10**6):
        a, b = one.pairs(step), two.pairs(step)
        assert all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("clean", "ids", "mask", "true"))
        assert a.clean.abs().max() <= 1 + 1e-6
        assert a.true.diagonal().all()
        assert torch.equal(one.loss(step), two.loss(step))


def test_a_caption_is_true_of_what_shows_the_same_thing_in_the_style_it_names() -> None:
    task = Contrastive(recipe(), "cpu")
    pictograms = task.pairs.__self__.pair_set  # type: ignore[attr-defined]
    source = load(SAMPLE, SPLITS)
    places = {(row.attributes["style"], row.attributes["codepoint"]): k for k, row in enumerate(source)}
    styles = {code: [style for style in STYLES if (style, code) in places] for _, code in places}
    code = next(code for code, found in styles.items() if len(found) > 1)
    first, second, other = (
        places[styles[code][0], code],
        places[styles[code][1], code],
        next(k for (_, each), k in places.items() if each != code),
    )
    order = np.array([first, second, other])
    said = {named: _said(pictograms, first, named) for named in (True, False)}
    for named, expected in ((True, [True, False, False]), (False, [True, True, False])):
        captions = np.array([said[named], *pictograms.starts[order[1:]]])
        assert pictograms.true(order, captions)[0].tolist() == expected


def _said(pictograms: object, place: int, named: bool) -> int:
    starts, is_open = pictograms.starts, pictograms.open  # type: ignore[attr-defined]
    return next(k for k in range(starts[place], starts[place + 1]) if is_open[k] != named)


def test_full_captions_hold_of_equal_scenes_only_and_short_ones_of_more() -> None:
    _, scenes = batch(np.random.default_rng(1), 30, objects=(1,), split="all")
    scenes = [*scenes, *scenes[:5]]
    full = holds([caption(scene) for scene in scenes], scenes)
    assert full.tolist() == [[a == b for b in scenes] for a in scenes]
    short = [f"a {scene.objects[0].colour} {scene.objects[0].shape}" for scene in scenes]
    pair = lambda scene: (scene.objects[0].colour, scene.objects[0].shape)  # noqa: E731
    assert holds(short, scenes).tolist() == [[pair(a) == pair(b) for b in scenes] for a in scenes]


def test_what_a_caption_leaves_out_is_free() -> None:
    asked = prompts("two", 1, seed=0)[0].scene
    moved = dataclasses.replace(asked, background="white" if asked.background != "white" else "black")
    words = caption(asked)
    assert not holds([words, words], [asked, moved])[0, 1]
    assert holds([words.rpartition(" on a ")[0]] * 2, [asked, moved])[0, 1]
    assert isinstance(moved, Scene)


@pytest.mark.parametrize("plan", [SHAPES, PICTURES], ids=["shapes", "pictograms"])
def test_a_resumed_run_equals_an_uninterrupted_one_and_is_exported(plan: dict[str, object], tmp_path: Path) -> None:
    chosen = recipe(**plan)  # type: ignore[arg-type]
    *_, last = train(chosen, tmp_path / "whole", device="cpu")
    assert set(last.scores) == {"top1", "top5"}
    for progress in train(chosen, tmp_path / "parts", device="cpu"):
        if progress.step == 3:
            break
    *_, _ = train(chosen, tmp_path / "parts", device="cpu")
    for name in ("whole", "parts"):
        export(tmp_path / name, tmp_path / f"{name}.out")
    one, two = (DualEncoder.load(tmp_path / f"{name}.out") for name in ("whole", "parts"))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    card = json.loads((tmp_path / "whole.out" / "card.json").read_text())
    assert "dual encoder" in card["kind"]
    assert (tmp_path / "whole.out" / "ATTRIBUTION.md").exists() == ("half" in plan)


def test_training_brings_captions_and_pictures_together() -> None:
    chosen = recipe(rows=8)
    task = Contrastive(chosen, "cpu")
    network, words = task.network, TokenVectors()
    assert isinstance(network, DualEncoder)
    assert words.width == network.config.text_width
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = task.loss(0)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 4


def test_judges_are_not_listed_as_models_that_draw() -> None:
    assert not set(models.names()) & set(DualEncoder.names())
