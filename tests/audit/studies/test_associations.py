from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from limn.audit.report.page import page
from limn.audit.report.parts import Figures, Listing
from limn.audit.run import in_memory
from limn.audit.studies.associations import Associations
from limn.audit.studies.associations.measures import captions, measured
from limn.audit.studies.associations.page import section
from limn.audit.studies.associations.pictures import NOT_WORK, drawn_people
from limn.audit.studies.associations.prompts import PAIRS, TEMPLATES
from limn.audit.study import parse
from limn.kernel.errors import InputError


class Leaning:
    """An encoder that puts women nearer to what is calm, and sees no other difference."""

    name, weights, scale = "leaning", "0", 1.0

    def __init__(self, people: object) -> None:
        self.second = people.second  # type: ignore[attr-defined]

    def images(self, pictures: object) -> np.ndarray:
        lean = np.where(self.second, 0.1, 0.3) + np.random.default_rng(0).normal(0, 0.05, len(self.second))
        return np.stack([lean, np.sqrt(1 - lean**2)], 1).astype(np.float32)

    def texts(self, texts: list[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if "calm" in each else [0.0, 1.0] for each in texts], np.float32)


def test_a_planted_association_is_found_and_no_other() -> None:
    people = drawn_people(60, seed=2)
    page = section(measured(Leaning(people), people, {name: PAIRS[name] for name in ("calm/angry", "happy/sad")}))  # type: ignore[arg-type]
    eat, raw, single, _, by_template, *_ = page.parts
    assert isinstance(eat, Figures)
    assert isinstance(raw, Figures)
    assert isinstance(single, Figures)
    assert isinstance(by_template, Listing)
    calm, happy = eat.rows
    assert calm.value > 1  # type: ignore[operator]
    assert calm.p < 0.01  # type: ignore[operator]
    assert happy.value is None
    assert raw.rows[0].low < 0.22 < raw.rows[0].high  # type: ignore[operator]
    assert [row.name for row in single.rows] == ["who is calm", "who is angry", "who is happy", "who is sad"]
    assert len(by_template.rows[0]) == 1 + len(TEMPLATES)


def test_captions_count_the_right_profession_by_group() -> None:
    people = drawn_people(30, seed=0)

    class Knowing(Leaning):
        """Tells professions for women only."""

        def images(self, pictures: object) -> np.ndarray:
            roles = list(dict.fromkeys(people.roles.tolist()))
            known = np.where(people.second, "doctor" if people.roles[0] != "doctor" else "cook", people.roles)
            return np.eye(len(roles), dtype=np.float32)[[roles.index(each) for each in known]]

        def texts(self, texts: list[str]) -> np.ndarray:
            roles = list(dict.fromkeys(people.roles.tolist()))
            return np.eye(len(roles), dtype=np.float32)[
                [next(k for k, r in enumerate(roles) if r in t) for t in texts]
            ]

    women, men, ratio = captions(Knowing(people), people, Knowing(people).images(None)).values()  # type: ignore[arg-type]
    assert women.value == 1
    assert men.value < 0.5  # type: ignore[operator]
    assert ratio.value == pytest.approx(1 / np.mean(people.roles[people.second] == "doctor"), rel=1e-6)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A tiny random CLIP folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
        from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["a", "person", "calm", "angry", "icon", "<end>", "<pad>"]
    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tower, "vocab_size": len(words), "max_position_embeddings": 16, "eos_token_id": 5, "pad_token_id": 6}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config=text, vision_config={**tower, "image_size": 32, "patch_size": 8}, projection_dim=12
    )
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>", unk_token="a"
    ).save_pretrained(tmp_path)
    square = {"height": 32, "width": 32}
    transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square).save_pretrained(tmp_path)
    return tmp_path


def test_a_judge_and_a_clip_folder_stand_in_one_report(clip: Path) -> None:
    study = Associations(encoder="judge_b", against=str(clip), world="people", n=12, pairs=("calm/angry",))
    table = in_memory(study.probe(), [], [])
    report = study.analyse(table)
    assert [each.title for each in report.sections] == ["judge_b", str(clip), "Pictures"]
    assert report.findings
    assert "Associations" in page(report, table, command="limn audit associations")


def test_only_work_is_looked_at() -> None:
    assert {"feeding baby", "pregnant", "student"} <= set(NOT_WORK)


def test_selfcheck_plants_what_it_says() -> None:
    checks = [check for k in range(8) for check in Associations().selfcheck(np.random.default_rng(k))]
    assert len({each.name for each in checks}) == 9
    assert np.mean([each.covered for each in checks]) > 0.8  # type: ignore[arg-type]


def test_options_as_text() -> None:
    assert parse("associations:world=people,n=9") == Associations(world="people", n=9)
    assert not Associations().probe().asks
    with pytest.raises(InputError, match="attributes"):
        Associations(pairs=("calm",))
