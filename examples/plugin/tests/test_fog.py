"""The parts keep limn's contracts, and do what they are for."""

import numpy as np
import torch
from limn_fog.guidance import Fog
from limn_fog.reader import Haze
from limn_fog.sampler import Steady
from limn_fog.study import Lighting

from limn.testing import check_guidance, check_reader, check_sampler, check_study
from limn.testing.guidance import folded, noise
from limn.testing.studies import check_selfcheck


def test_contracts() -> None:
    check_guidance(Fog(share=0.7))
    check_sampler(Steady(momentum=0.5))
    check_reader(Haze())
    check_study(Lighting())
    check_selfcheck(Lighting())


def test_fog_fades() -> None:
    answer = noise((0, 1))
    assert torch.equal(folded(Fog(share=0.5), answer), 0.5 * answer)


def test_haze_is_little_contrast() -> None:
    faint = np.array([[[100, 110, 120]] * 8] * 8, np.uint8)
    (reading,) = Haze().read([faint])
    assert reading.values["haze"] == "hazy"
