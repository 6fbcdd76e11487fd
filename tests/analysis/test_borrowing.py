"""A user's module and random numbers come back exactly as they were."""

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.modules.borrowing import borrowed
from headbrush.analysis.model.wrapping import wrap_model
from tests.analysis.own_modules import tiny


def snapshot(module):
    """All that a user could notice of a module, tensors by identity and value."""
    attributes = {
        (name, key): list(value.items()) if isinstance(value, dict) else value
        for name, part in module.named_modules()
        for key, value in vars(part).items()
    }
    tensors = {
        name: (id(p), p.data_ptr(), p.dtype, p.device, p.requires_grad, p.data.clone(), p.grad)
        for name, p in (*module.named_parameters(), *module.named_buffers())
    }
    return attributes, tensors


def assert_same(before, after):
    assert before[0].keys() == after[0].keys()
    assert all(str(before[0][key]) == str(after[0][key]) for key in before[0])
    for name, values in before[1].items():
        for one, other in zip(values, after[1][name], strict=True):
            same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
            assert same, name


def used():
    """A ViT in the middle of its training: mixed flags, hooks, gradients, formats."""
    module = tiny().train()
    module.blocks[1].eval()
    module.blocks[0].attn.fused_attn = False
    module.set_grad_checkpointing(True)
    module.patch_embed.requires_grad_(False)
    module.blocks[2].mlp.double()
    module.norm.register_forward_hook(lambda _m, _i, output: output.to(torch.float32))
    module.register_buffer("seen", torch.zeros(3, dtype=torch.float64))
    module.head.weight.grad = torch.ones_like(module.head.weight)
    module.blocks[0].forward = module.blocks[0].forward
    return module


@pytest.mark.parametrize("fault", [None, RuntimeError, KeyboardInterrupt])
def test_a_module_comes_back_as_it_was(fault):
    module = used()
    before = snapshot(module)
    drawn = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    with nullcontext() if fault is None else pytest.raises(fault), borrowed(module):
        model = wrap_model(module, device="cpu")
        torch.manual_seed(5)
        self_check(model, torch.randn(2, *model.input_size))
        np.random.rand(), random.random()
        module.new = "attribute"
        if fault is not None:
            raise fault
    assert_same(before, snapshot(module))
    assert torch.equal(drawn[0], torch.get_rng_state())
    assert drawn[1] == random.getstate()
    assert (drawn[2] == np.random.get_state()[1]).all()


def test_training_goes_on_after_an_analysis():
    module, twin = tiny().train(), tiny().train()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    with borrowed(module):
        wrap_model(module, device="cpu")
    images = torch.randn(2, 3, 32, 32)
    module(images).sum().backward()
    optimizer.step()
    other = torch.optim.SGD(twin.parameters(), 0.1)
    twin(images).sum().backward()
    other.step()
    for one, same in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, same)
