"""Coarser and quicker arithmetic for pruning."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch

from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.request import BF16, TF32
from headbrush.analysis.store.errors import InputError

_SIDE, _TIMES = 512, 7
_INSTEAD = "leave --precision out for float32, which is exact"


@contextmanager
def at_precision(model: VisionModel, precision: str) -> Iterator[VisionModel]:
    """The model that computes in ``precision``, one of ``PRECISIONS``; float32 is as it is.

    ``bf16`` is a copy whose weights and values have 8 significant bits; its inputs are to be of
    its ``dtype``. ``tf32`` rounds the factors of products to 11 bits, in this process, on CUDA.
    """
    if precision == BF16:
        coarse = deepcopy(model)
        coarse.module.to(torch.bfloat16)
        yield coarse
    elif precision == TF32:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        try:
            yield model
        finally:
            torch.set_float32_matmul_precision(before)
    else:
        yield model


def demand_precision(model: VisionModel, precision: str) -> None:
    """Refuse what the device has not, or the model does not run in.

    Raises
    ------
    InputError
        If it cannot be used, or would not be quicker.
    """
    device = model.device
    if precision == TF32 and (
        device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)
    ):
        raise InputError(
            f"--precision tf32: {device.type} does not have it, but CUDA from Ampere on; "
            f"choose bf16, or {_INSTEAD}."
        )
    if precision != BF16:
        return
    gain = product_seconds(torch.float32, device) / product_seconds(torch.bfloat16, device)
    if gain < 1:
        raise InputError(
            f"--precision bf16: this {device.type} has no arithmetic for it, and would take "
            f"{1 / gain:.1f} times as long; {_INSTEAD}."
        )
    try:
        with torch.inference_mode(), at_precision(model, precision) as coarse:
            channels, height, width = model.input_size
            coarse.outputs(
                torch.zeros(1, channels, height, width, device=device, dtype=coarse.dtype)
            )
    except Exception as error:  # whatever a model raises that mixes precisions
        first = str(error).split("\n", 1)[0]
        raise InputError(
            f"--precision bf16: {model.name} does not run in it ({first}); {_INSTEAD}."
        ) from error


def product_seconds(dtype: torch.dtype, device: torch.device) -> float:
    """The least time of a product, which other work of the machine cannot make shorter."""
    square = torch.ones(_SIDE, _SIDE, dtype=dtype, device=device)
    seconds = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        (square @ square)[0, 0].item()  # waits for the device
        seconds.append(time.perf_counter() - start)
    return min(seconds)
