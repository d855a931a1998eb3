"""Pictures as a network's states."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limn.kernel.errors import InputError
from limn.models.picture_states import picture_states


def test_bytes_become_states_and_other_sizes_are_scaled() -> None:
    pictures = np.full((2, 8, 6, 3), 255, np.uint8)
    states = picture_states(pictures, size=4, channels=3, name="it")
    assert states.shape == (2, 3, 4, 4)
    assert torch.allclose(states, torch.ones(()))
    same = torch.zeros(1, 1, 4, 4)
    assert torch.equal(picture_states(same, size=4, channels=1, name="it"), same)


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="pictures"):
        picture_states(np.zeros(shape, np.uint8), size=4, channels=3, name="it")
