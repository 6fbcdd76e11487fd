"""The module to analyze inside what was given: wrappers that change nothing are taken off."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from headbrush.analysis.store.errors import ModelError

_WRAPPERS = {
    "OptimizedModule": "_orig_mod",  # torch.compile
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
    "ModelEma": "ema",
    "ModelEmaV2": "module",
    "ModelEmaV3": "module",
    "TimmWrapperModel": "timm_model",  # transformers
    "TimmWrapperForImageClassification": "timm_model",
}
"""Classes whose call is that of one member: by name, so that no optional library is imported."""
_NO_FORWARD = ("_forward_unimplemented", "LightningModule.forward")
"""The ``forward`` of classes that define none of their own: it raises an error."""
_SHARDED = ("FullyShardedDataParallel", "FSDPModule", "DTensor")
_EXPECTED = "expected a vision transformer, an instance of torch.nn.Module"


def unwrapped(given: object) -> nn.Module:
    """The module that computes, without wrappers that only pass calls on.

    Raises
    ------
    ModelError
        If it is no module of PyTorch, or one that cannot be run here layer by layer.
    """
    for kind in type(given).__mro__:
        inner = _member(given, _WRAPPERS.get(kind.__name__, ""))
        if isinstance(inner, nn.Module):
            return unwrapped(inner)
    _refuse_what_is_no_module(given)
    module = cast(nn.Module, given)
    _refuse_what_cannot_be_run(module)
    if type(module).forward.__qualname__ in _NO_FORWARD:
        return unwrapped(_only_model(module))
    return module


def _member(given: object, name: str) -> object:
    children = dict(given.named_children()) if isinstance(given, nn.Module) else {}
    return children.get(name, getattr(given, name, None))


def _refuse_what_is_no_module(given: object) -> None:
    name = type(given).__name__
    if isinstance(given, nn.Module):
        return
    if isinstance(given, type):
        raise ModelError(
            f"the model is the class {given.__name__}; {_EXPECTED}: give {given.__name__}(…)."
        )
    if isinstance(given, Mapping) and any(isinstance(value, Tensor) for value in given.values()):
        raise ModelError(
            "the model is a state dict, weights without a model; give a module into which they "
            "were loaded, or a timm name and checkpoint=FILE."
        )
    if hasattr(given, "graph_module"):
        raise ModelError(f"the model is an exported program ({name}); {_EXPECTED} before export.")
    if isinstance(given, Sequence) and any(isinstance(one, nn.Module) for one in given):
        raise ModelError(f"the model is a {name} of {len(given)} models; give one of them.")
    for attribute in ("model", "module", "net", "backbone"):
        if isinstance(getattr(given, attribute, None), nn.Module):
            raise ModelError(
                f"the model is a {name}; {_EXPECTED}, such as the one found at `.{attribute}`."
            )
    raise ModelError(f"the model is of type {name}; {_EXPECTED}, or a timm name or a folder.")


def _refuse_what_cannot_be_run(module: nn.Module) -> None:
    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(
            f"{name} is compiled by TorchScript, so its attention is out of reach; give the module "
            "before torch.jit.script or torch.jit.trace."
        )
    parts = [*module.modules(), *module.parameters()]
    if any(kind.__name__ in _SHARDED for part in parts for kind in type(part).__mro__):
        raise ModelError(
            f"{name} is sharded over processes (FSDP); gather its weights into one plain module "
            "and give that."
        )
    tensors = [*module.named_parameters(), *module.named_buffers()]
    for key, tensor in tensors:
        if nn.parameter.is_lazy(tensor):
            raise ModelError(
                f"{name}: {key} has no size yet (a lazy module); run the model once before."
            )
        if tensor.is_meta:
            raise ModelError(
                f"{name}: {key} is on the meta device, so it has no values; load the weights first."
            )


def _only_model(module: nn.Module) -> nn.Module:
    """The one member with weights of a module that cannot be called."""
    weighty = {
        name: child
        for name, child in module.named_children()
        if any(True for _ in child.parameters())
    }
    name = type(module).__name__
    if len(weighty) == 1:
        return next(iter(weighty.values()))
    found = ", ".join(f"`.{member}`" for member in weighty) or "no member with weights"
    raise ModelError(
        f"{name} has no forward(), so it computes nothing itself; give the vision transformer "
        f"inside it (found: {found})."
    )


def float32_note(module: nn.Module) -> str:
    """What to say of a module whose weights are not float32; empty if they are."""
    kinds = {p.dtype for p in (*module.parameters(), *module.buffers()) if p.is_floating_point()}
    others = sorted(str(kind).removeprefix("torch.") for kind in kinds - {torch.float32})
    return f"its weights are {' and '.join(others)}: it is analyzed in float32" if others else ""


def without_checkpointing(module: nn.Module) -> None:
    """Switch gradient checkpointing off, which runs blocks twice."""
    for part in module.modules():
        for name in ("grad_checkpointing", "gradient_checkpointing"):
            if isinstance(vars(part).get(name), bool):
                cast(Any, part).__dict__[name] = False
