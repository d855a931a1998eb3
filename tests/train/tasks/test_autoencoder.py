from __future__ import annotations

import pytest
import torch

from limn.train.tasks.autoencoder import Autoencoding, autoencoding


def test_the_autoencoder_loss_in_closed_form() -> None:
    clean, zeros = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 1, 1)
    even = autoencoding(clean + 0.5, clean, zeros, zeros, Autoencoding())
    assert even == pytest.approx(0.5 + 0.25)  # no edges, no divergence
    slope = torch.arange(4.0).expand(2, 3, 4, 4)
    steep = autoencoding(slope, clean, zeros, zeros, Autoencoding(gradients=2.0))
    assert steep == pytest.approx(1.5 + 3.5 + 2.0)
    far = autoencoding(clean, clean, zeros + 2, zeros, Autoencoding(kl=0.1))
    assert far == pytest.approx(0.1 * 2)
