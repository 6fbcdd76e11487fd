"""A small model leaves the cores to what is beside it; a large one uses them."""

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn

from headbrush.analysis.model.vision_model import spare_threads


def threads():
    """Threads of PyTorch, and of each library of products that is loaded."""
    np.eye(2) @ np.eye(2)
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return torch.get_num_threads(), *blas


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_a_small_model_computes_in_one_thread_until_the_end():
    before = threads()
    with spare_threads(nn.Linear(2, 2), torch.device("cpu")):
        assert set(threads()) == {1}
    assert threads() == before


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("module", "device"),
    [(nn.Linear(10_000, 10_000, device="meta"), "cpu"), (nn.Linear(2, 2), "cuda")],
    ids=["large", "elsewhere"],
)
def test_other_models_keep_their_threads(module, device):
    before = threads()
    with spare_threads(module, torch.device(device)):
        assert threads() == before
