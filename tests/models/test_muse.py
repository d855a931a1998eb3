"""Token models from a folder: both families draw, and folders that do not fit are refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import limn.models
from limn.io.files import sha256_of
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.kernel.runner import Ledger
from limn.networks.weights import read_tensors, write_tensors
from limn.samplers.unmask import Unmask
from token_models import Change, build


@pytest.fixture(params=["muse", "parti"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return limn.models.load(build(tmp_path, request.param))


def test_pictures_come_and_depend_on_words_and_seed_only(generator: Generator) -> None:
    prompts = ["a red circle", "a blue square", "a red circle", "a star"]
    pictures = [each.pixels for each in generator.generate(prompts, seed=3)]
    assert pictures[0].shape == (16, 16, 3)
    assert np.array_equal(pictures[0], pictures[2]), "the same words and seed"
    assert not np.array_equal(pictures[0], pictures[1])
    (alone,) = generator.generate("a blue square", seed=3)
    assert np.array_equal(alone.pixels, pictures[1]), "whatever the company"
    (other,) = generator.generate("a blue square", seed=4)
    assert not np.array_equal(other.pixels, pictures[1])


def test_forwards_are_steps_for_one_family_and_tokens_for_the_other(generator: Generator) -> None:
    ledger, muse = Ledger(), isinstance(generator.request("a").sampler, Unmask)
    list(generator.draw(generator.request("a red circle"), ledger=ledger))
    assert len(ledger.forwards) == (4 if muse else 16)
    assert ledger.rows == 2 * len(ledger.forwards)


def test_the_scale_reaches_the_model(generator: Generator) -> None:
    drawn = [
        generator.generate("a red circle", guidance=[f"classifier_free:scale={scale}"])[0].pixels
        for scale in (1, 6)
    ]  # fmt: skip
    assert not np.array_equal(*drawn)
    without = generator.generate("a red circle", guidance=[])[0].pixels
    assert np.array_equal(drawn[0], without)


def test_a_picture_of_answers_that_are_no_numbers_is_flawed(generator: Generator) -> None:
    network = generator.stages[0].predictor.network  # type: ignore[attr-defined]
    network.head.bias.data.fill_(float("nan"))
    (picture,) = generator.generate("a red circle")
    assert "not numbers" in picture.flaw


def test_samplers_and_steps_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for family, options, message in [
        ("muse", {"sampler": "ddim"}, "draws tokens"),
        ("parti", {"steps": 5}, "one for each token"),
    ]:
        folder = tmp_path / family
        folder.mkdir()
        generator = limn.models.load(build(folder, family))
        with pytest.raises(InputError, match=message):
            generator.generate("a", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(family="musée"), "unknown family"),
        (lambda config: config.update(family=["muse"]), "unknown family"),
        (lambda config: config.update(family="parti"), "causal"),
        (lambda config: config.update(size=32), "size"),
        (lambda config: config.update(sampler="unmsk"), "unmask"),
        (lambda config: config.update(scale=1e9), "scale"),
        (lambda config: config["vq"].update(codes=13), "tokens"),
        (lambda config: config["vq"].update(code_width=4), "encoder|codebook"),
        (lambda config: config["transformer"].update(vocabulary=10**9), "vocabulary"),
        (lambda config: config.update(stepz=3), "steps"),
    ],
)
def test_folders_that_do_not_fit_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        limn.models.load(build(tmp_path, change=change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "vq.safetensors"])
def test_missing_and_damaged_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-100])
    with pytest.raises(WeightsError, match=name):
        limn.models.load(folder)
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=name):
        limn.models.load(folder)


def test_tokens_may_be_read_from_the_folder_beside(tmp_path: Path) -> None:
    for family in ("muse", "parti"):
        (tmp_path / family).mkdir()
    file = build(tmp_path / "muse") / "vq.safetensors"
    wanted = {"tokens_of": "muse", "tokens_sha256": sha256_of(file)}
    folder = build(tmp_path / "parti", "parti", lambda config: config.update(wanted))
    own = limn.models.load(folder).generate("a red circle")[0].pixels
    (folder / file.name).unlink()
    assert np.array_equal(limn.models.load(folder).generate("a red circle")[0].pixels, own)
    write_tensors(file, {name: each + 1 for name, each in read_tensors(file).items()})
    with pytest.raises(WeightsError, match="muse has other tokens than this model learned"):
        limn.models.load(folder)
    file.unlink()
    with pytest.raises(WeightsError, match=r"muse/vq\.safetensors"):
        limn.models.load(folder)
    for bad in ({"tokens_of": "../muse"}, {"tokens_of": "muse", "tokens_sha256": ""}):
        with pytest.raises(WeightsError, match="tokens_of"):
            limn.models.load(build(tmp_path / "parti", "parti", lambda config, bad=bad: config.update(wanted | bad)))  # type: ignore[misc]


@pytest.mark.parametrize("name", ["muse_shapes", "parti_shapes"])
def test_what_ships_draws_and_has_a_card(name: str) -> None:
    card = limn.models.describe(name)
    assert {"draws", "licence", "figures", "parameters"} <= set(card)
    (picture,) = limn.models.load(name).generate("a large red circle on a white background")
    assert picture.pixels.shape == (32, 32, 3)
    assert not picture.flaw
