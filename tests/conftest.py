"""Settings for all tests."""

import os
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores; threads of linear algebra that wait for each other by spinning would slow all down.
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
os.environ["LIMN_HOME"] = tempfile.mkdtemp(prefix="limn-home-")  # keys of the tests, never those of a person
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tools")]
hypothesis.settings.register_profile("limn", deadline=None, derandomize=True, print_blob=False)
hypothesis.settings.load_profile("limn")


@pytest.fixture(scope="session", autouse=True)
def _one_thread_per_worker() -> None:
    import torch

    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)
