from __future__ import annotations

import pytest
import torch

from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.rng import Streams
from limn.samplers.ddim import DDIM
from limn.samplers.decoding import Decoder, Masking, Raster, begin
from limn.samplers.next_token import NextToken
from limn.samplers.unmask import Unmask

LOGITS = torch.tensor([4.0, 3.0, 2.0, 1.0, -1.0]).expand(1, 6000, 5)


def shares(**options: float) -> torch.Tensor:
    drawn = Decoder(**options).draw(LOGITS, Streams([0]))  # type: ignore[arg-type]
    return torch.bincount(drawn[0], minlength=5) / 6000


def test_temperature_divides_the_logits() -> None:
    for temperature in (0.5, 1.0, 3.0):
        expected = (LOGITS[0, 0] / temperature).softmax(0)
        torch.testing.assert_close(shares(temperature=temperature), expected, atol=0.02, rtol=0)
    assert shares(temperature=0).tolist() == [1, 0, 0, 0, 0]


def test_top_k_and_top_p_leave_the_rest_out() -> None:
    expected = LOGITS[0, 0, :2].softmax(0)
    torch.testing.assert_close(shares(top_k=2)[:2], expected, atol=0.02, rtol=0)
    assert not shares(top_k=2)[2:].any()
    likeliest = LOGITS[0, 0].softmax(0)
    for count in range(1, 6):
        below = float(likeliest[:count].sum()) - 1e-3
        assert (shares(top_p=below) > 0).sum() <= count
        assert not shares(top_p=below)[count:].any()
        assert shares(top_p=below)[count - 1] > 0 or likeliest[count - 1] < 0.01
    assert shares(top_p=0.01).tolist() == [1, 0, 0, 0, 0], "the likeliest always stays"


def test_ties_do_not_let_more_than_top_k_through() -> None:
    drawn = Decoder(top_k=3).draw(torch.zeros(1, 500, 7), Streams([3]))
    assert len(drawn.unique()) == 3


def test_noise_starts_with_nothing_known_and_tokens_with_themselves() -> None:
    assert begin(torch.randn(2, 3)).tolist() == [[-1, -1, -1]] * 2
    tokens = torch.tensor([[3, -1]])
    assert begin(tokens) is tokens


def test_levels_are_shares_of_hidden_tokens() -> None:
    levels = Masking().levels(3, Unmask())
    assert [round(each.time, 6) for each in levels] == [1.0, 0.866025, 0.5, 0.0]
    assert all(each.alpha + each.sigma == pytest.approx(1) for each in levels)
    assert [each.time for each in Masking(shape="linear").levels(4, Unmask())] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [each.alpha for each in Raster(tokens=4).levels(4, NextToken())] == [0, 0.25, 0.5, 0.75, 1]


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="one for each token"):
        Raster(tokens=64).levels(8, NextToken())
    with pytest.raises(InputError, match="ddim: works on noise"):
        Masking().levels(8, DDIM())
    with pytest.raises(InputError, match="at least 1"):
        Masking().levels(0, Unmask())
    for text in ["unmask:temperature=-1", "unmask:top_p=0", "next_token:top_k=-2", "unmask:order_noise=-1",
                 "resample:share=0"]:  # fmt: skip
        with pytest.raises(InputError, match=text.split(":")[1].split("=")[0]):
            registry.parse("samplers", text)
