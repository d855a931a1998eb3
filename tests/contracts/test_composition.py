"""Any guidances compose, in any order, on any kind of model; what cannot is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

import small_models
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.request import Request

NAMES = registry.names("guidance")
SAMPLERS = {"native": ["ddim", "dpm"], "stable_diffusion": ["ddim", "dpm"], "tokens": ["unmask"]}
EXAMPLES = {"native": 40, "stable_diffusion": 8, "tokens": 20}

Model = Callable[[str], Generator]


def allowed(space: str) -> list[str]:
    """Names of the guidances that can steer answers of a space."""
    spaces = {"any", space} | ({"clean", "noise"} if space == "clean" else set())
    return [name for name in NAMES if registry.find("guidance", name).space in spaces]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", list(SAMPLERS))
def test_any_guidances_compose(kind: str, model: Model, there: Mapping[str, str]) -> None:
    generator = model(kind)
    plain = small_models.walked(generator, [])
    files = {**there, **({"model": generator.name} if kind == "native" else {})}
    names = allowed(generator.stages[-1].predictor.space)

    @settings(
        max_examples=EXAMPLES[kind], phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def composes(data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=5, unique=True))
        parts = [data.draw(small_models.guides(name, files), label=name) for name in chosen]
        sampler = data.draw(st.sampled_from(SAMPLERS[kind]))
        slots = [part.slot for part in parts if part.slot]
        if len(slots) > len(set(slots)):
            with pytest.raises(InputError, match="takes the place of") as caught:
                generator.request(small_models.HEART, guidance=parts)
            assert "\n" not in str(caught.value)
            return
        check(generator, parts, sampler, plain)

    composes()


def check(generator: Generator, parts: list[Guidance], sampler: str, plain: Tensor) -> None:
    request = generator.request(small_models.HEART, guidance=parts, sampler=sampler)
    again = Request.from_record(json.loads(json.dumps(request.record())))
    assert again == request
    assert list(again.guidance or ()) == parts
    state = small_models.walked(generator, parts, sampler=sampler)
    assert (state.shape, state.dtype) == (plain.shape, plain.dtype)
    assert torch.isfinite(state).all()
    assert torch.equal(small_models.walked(generator, parts[::-1], sampler=sampler), state)


@pytest.mark.parametrize("kind", list(SAMPLERS))
@pytest.mark.parametrize("name", NAMES)
def test_each_alone(kind: str, name: str, model: Model, there: Mapping[str, str]) -> None:
    """With its defaults and the files it needs; refused in one sentence where its space is another."""
    generator, part = model(kind), small_models.usual(name, there)
    if name not in allowed(generator.stages[-1].predictor.space):
        with pytest.raises(InputError, match=f"guidance {name}: works in") as caught:
            generator.request(small_models.HEART, guidance=[part])
        assert "\n" not in str(caught.value)
        return
    state = small_models.walked(generator, [part]).float()
    assert torch.isfinite(state).all()
    split = small_models.walked(generator, [part], max_rows=2).float()
    assert torch.allclose(split, state, atol=1e-4 * float(state.abs().max()))


@pytest.mark.parametrize("kind", [*SAMPLERS, "bfloat16"])
def test_all_together(kind: str, model: Model, there: Mapping[str, str]) -> None:
    """Every guidance that the model can have, at once, with one of those that take each other's place."""
    generator = model(kind)
    parts = [small_models.usual(name, there) for name in allowed(generator.stages[-1].predictor.space)]
    taken = [part for part in parts if not part.slot] + [part for part in parts if part.slot][:1]
    assert torch.isfinite(small_models.walked(generator, taken).float()).all()
