from __future__ import annotations

import pytest

import limn
from limn.kernel.errors import InputError
from limn.kernel.sampler_names import read_name


@pytest.mark.parametrize(
    ("text", "name", "spacing"),
    [
        ("DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("DPM++ 2M SDE Exponential", "dpmpp_2m_sde", "exponential"),
        ("DPM++ SDE Karras", "dpmpp_sde", "karras"),
        ("DPM++ 2M", "dpmpp_2m", ""),
        ("Euler a", "euler_ancestral", ""),
        ("euler_a", "euler_ancestral", ""),
        ("k_euler", "euler", ""),
        ("euler_k", "euler", "karras"),
        ("Heun Beta", "heun", "beta"),
        ("UniPC", "unipc", ""),
        ("uni_pc", "unipc", ""),
        ("DDIM:eta=1", "ddim:eta=1", ""),
        ("DPM++ 2M Karras:lower_order_final=false", "dpmpp_2m:lower_order_final=false", "karras"),
        ("nothing known", "nothing known", ""),
    ],
)
def test_names_as_people_know_them(text: str, name: str, spacing: str) -> None:
    assert read_name(text) == (name, spacing)


def test_what_fits_several_or_asks_for_two_spacings_is_refused() -> None:
    for text in ("DPM++", "DPM++ Karras", "dpmpp:eta=1"):
        with pytest.raises(InputError, match="fits several; name one of dpmpp_2m, dpmpp_2m_sde, dpmpp_sde"):
            read_name(text)
    with pytest.raises(InputError, match="is spaced as karras; leave out beta"):
        read_name("Euler Karras", "beta")
    assert read_name("Euler Karras", "karras") == ("euler", "karras")


def test_a_request_holds_the_sampler_and_the_spacing() -> None:
    record = limn.load("shapes").request("a red circle", sampler="Euler Karras").record()
    assert (record["sampler"]["name"], record["spacing"]) == ("euler", "karras")
