from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.samplers.ddim import DDIM
from limn.store.record import environment, key_of, picture_total


@given(text=st.text(max_size=50).filter(lambda each: "\0" not in each), n=st.integers(1, 5), scale=st.floats(0, 100))
def test_the_key_is_the_kernels(text, n, scale):
    guidance = [ClassifierFree(scale=scale)]
    request = Request(prompts=(text, "b"), n=n, steps=1, size=64, sampler=DDIM(), guidance=guidance)
    assert key_of(request.record()) == request.key()
    assert picture_total(request.record()) == len(request.items())


@pytest.mark.parametrize("request_", [{"x": float("nan")}, {"x": {1}}, {"x": b""}])
def test_a_request_that_is_not_json_has_no_key(request_):
    with pytest.raises(InputError, match="request"):
        key_of(request_)


def test_the_environment_names_versions_and_machine():
    found = environment()
    assert found["versions"].keys() >= {"python", "numpy", "pillow"}
    assert found["platform"]
    assert "commit" not in found or len(found["commit"]) == 40
