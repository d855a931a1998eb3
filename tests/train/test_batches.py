from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from limn.data import people
from limn.data.paraphrase import Dice
from limn.data.people.captions import phrase
from limn.data.picture_set import load
from limn.data.shapes import SHAPES
from limn.networks.token_embeddings import TokenVectors
from limn.train.augmentation import jittered
from limn.train.batches import Batch, World, reconstructed, signed, stream
from limn.train.recipe import Recipe, parse
from limn.train.worlds import WORLDS
from limn.train.worlds.pictograms import Captioned, Pictograms

SAMPLE = Path(__file__).parents[1] / "sample" / "pictograms"


def recipe(task: str = "generator", batch: int = 16, **data: object) -> Recipe:
    return parse({
        "name": "a", "task": task, "schedule": {"steps": 1}, "optimiser": {"batch": batch},
        "data": {"folder": str(SAMPLE), **data},
    })  # fmt: skip


def world(plan: Recipe, words: TokenVectors) -> World:
    return WORLDS[plan.data.world](plan, words)


def captioned(plan: Recipe, words: TokenVectors) -> Captioned:
    made = world(plan, words)
    assert isinstance(made, Pictograms)
    return made.caption_set


def batch_of(made: World, task: str, step: int) -> Batch:
    return {"pictures": made.pictures, "pairs": made.pairs, "captioned": made.captioned}[task](step)


@pytest.fixture(scope="module")
def words() -> TokenVectors:
    return TokenVectors()


@pytest.mark.parametrize("kind", ["captioned", "pictures", "pairs"])
@pytest.mark.parametrize(
    "plan",
    [
        recipe(world="shapes", jitter=0.5),
        recipe(world="people", people="letters", jitter=0.5),
        recipe(scenes=0.5, backgrounds=0.5),
    ],
    ids=["shapes", "people", "pictograms"],
)
def test_a_batch_follows_from_the_seed_and_the_step_alone(plan: Recipe, kind: str, words: TokenVectors) -> None:
    """Whatever is asked of whatever world."""
    one, two = world(plan, words), world(plan, words)
    batch_of(two, kind, 7)
    for step in (3, 0, 10**6):
        a, b = batch_of(one, kind, step), batch_of(two, kind, step)
        assert torch.equal(a.clean, b.clean)
        assert torch.equal(a.ids, b.ids)
        assert torch.equal(a.mask, b.mask)
        assert a.captions == b.captions
        assert a.clean.abs().max() <= 1 + 1e-6
        assert (a.true is not None and bool(a.true.diagonal().all())) == (kind == "pairs")
    assert not torch.equal(batch_of(one, kind, 0).clean, batch_of(one, kind, 1).clean)


def test_a_pass_shows_every_picture_once(words: TokenVectors) -> None:
    feed = captioned(recipe(batch=1), words)
    size = len(feed.clean)
    found = [feed(step).clean for step in range(size, 2 * size)]
    distinct = {each.numpy().tobytes() for each in found}
    assert distinct == {each.numpy().tobytes() for each in feed.clean.unsqueeze(1)}


def test_captions_are_trimmed_to_the_longest(words: TokenVectors) -> None:
    batch = world(recipe(), words).captioned(0)
    assert batch.mask[:, -1].any()
    assert batch.mask[:, 0].all()
    assert not batch.ids[~batch.mask].any()


def test_the_share_of_scenes_is_what_the_recipe_says(words: TokenVectors) -> None:
    feed = captioned(recipe(batch=64, scenes=0.25), words)
    single = {each.numpy().tobytes() for each in feed.clean[: feed.single]}
    share = np.mean([each.numpy().tobytes() not in single for step in range(10) for each in feed(step).clean])
    assert share == pytest.approx(0.25, abs=0.06)


def test_the_share_of_people_with_a_skin_tone_is_what_the_recipe_says(words: TokenVectors) -> None:
    feed = captioned(recipe(batch=64, toned=0.2), words)
    tones = load(SAMPLE).columns["tone"]
    toned = {feed.clean[row].numpy().tobytes() for row, tone in enumerate(tones) if tone not in ("", "yellow")}
    share = np.mean([each.numpy().tobytes() in toned for step in range(10) for each in feed(step).clean])
    assert share == pytest.approx(0.2, abs=0.06)


def test_partial_captions_leave_objects_out_and_the_pictures_as_they_are(words: TokenVectors) -> None:
    class Heard:
        said: tuple[str, ...] = ()

        def ids(self, said: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
            self.said = tuple(said)
            return words.ids(said)

    def told(share: float) -> tuple[torch.Tensor, list[int]]:
        heard = Heard()
        batch = world(recipe(world="shapes", batch=256, partial=share), heard).captioned(0)  # type: ignore[arg-type]
        counts = [sum(word.strip(",") in SHAPES for word in text.split()) for text in heard.said]
        return batch.clean, counts

    (all_, named), (some, fewer) = told(0.0), told(1.0)
    assert torch.equal(all_, some)
    assert {(whole, part) for whole, part in zip(named, fewer, strict=True)} == {(1, 1), (2, 1), (3, 1), (3, 2)}


def test_soft_pictures_are_near_the_crisp_ones() -> None:
    pictures = load(SAMPLE).on()[:2]
    soft, softer = (reconstructed(pictures, "emoji", np.random.default_rng(0), noise) for noise in (0, 1))
    clean = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
    errors = [float((each - clean).square().mean()) for each in (soft, softer)]
    assert 0 < errors[0] < 0.03 < errors[1] + 0.03
    assert errors[0] < errors[1]


def test_pairs_of_people_are_jittered_before_they_are_captioned(words: TokenVectors) -> None:
    """The order of draws: a run that is resumed learns from the batches it would have had."""
    batch = world(recipe("contrastive", batch=4, world="people", jitter=1.0), words).pairs(2)
    rng = stream(0, 1, 2)
    pictures, persons = people.batch(rng, 4, population=people.Population())
    facts = [
        {name: getattr(person, name) for name in people.FIELDS if name == "profession" or rng.random() < 0.5}
        for person in persons
    ]
    assert torch.equal(batch.clean, jittered(signed(pictures), rng, 1.0))
    assert batch.captions == tuple(phrase(fields, Dice(rng)) for fields in facts)


def test_the_share_in_other_hues_is_what_the_recipe_says(words: TokenVectors) -> None:
    feed = captioned(recipe(batch=64, scenes=0.25, recoloured=0.5), words)
    assert feed.single < feed.alone < len(feed.clean)
    order = np.concatenate([feed.pick(step)[0] for step in range(60)])
    assert (order >= feed.alone).mean() == pytest.approx(0.5, abs=0.04)
    assert ((order >= feed.single) & (order < feed.alone)).mean() == pytest.approx(0.25 * 0.5, abs=0.03)
