"""What the user should know of how weights were loaded."""

import math
from pathlib import Path

from torch import nn

from headbrush.analysis.model.weights.contents import Contents
from headbrush.analysis.model.weights.files.stored_tensor import shown
from headbrush.analysis.model.weights.fitting import Fit


def notes_of(found: Fit, module: nn.Module, contents: Contents, path: Path) -> tuple[str, ...]:
    """Sentences of one line, for each thing that was not as the architecture expects it."""
    texts = [
        _place(found),
        *contents.renamed,
        "holds a pickled model; only its weights are used, its code is not run"
        if contents.pickled_module
        else "",
        _ignored(found),
        "holds no classifier, so the model has no outputs and predicts nothing"
        if found.headless
        else "",
        f"has the weights of global_pool={found.arguments['global_pool']!r}, so the model pools so"
        if "global_pool" in found.arguments
        else "",
        *_resampled(found, module),
        _numbers(found),
    ]
    return tuple(f"{path.name}: {text}." for text in texts if text)


def _place(found: Fit) -> str:
    choice = found.choice
    if not choice.prefix:
        return ""
    used = f"the weights under {shown(choice.prefix)!r} are used"
    if not choice.equals:
        return used
    others = ", ".join(repr(shown(other) or "the top") for other in choice.equals[:3])
    return f"{used}, not those under {others}, which fit as well"


def _ignored(found: Fit) -> str:
    names = [*found.dropped, *found.choice.beside]
    if not names:
        return ""
    listed = ", ".join(map(shown, names[:3])) + (", …" if len(names) > 3 else "")
    count = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
    return f"{count} no part of the model and not used ({listed})"


def _resampled(found: Fit, module: nn.Module) -> list[str]:
    texts = []
    tensors, expected = found.choice.tensors, module.state_dict()
    kernel = tensors.get("patch_embed.proj.weight")
    own = expected.get("patch_embed.proj.weight")
    if kernel is not None and own is not None and len(kernel.shape) == own.ndim == 4:
        old, new = kernel.shape[2:], tuple(own.shape[2:])
        if old != new:
            texts.append(f"patches are resampled from {_by(old)} to {_by(new)} pixels")
    positions, own = tensors.get("pos_embed"), expected.get("pos_embed")
    if positions is None or own is None or len(positions.shape) != 3 or own.ndim != 3:
        return texts
    prefix = int(getattr(module, "num_prefix_tokens", 1))
    if abs(positions.shape[1] - own.shape[1]) > prefix:
        shown_old, shown_new = (_grid(n.shape[1], prefix) for n in (positions, own))
        texts.append(
            f"position embeddings are resampled from {shown_old} to {shown_new} patches; "
            "--image-size sets another input size"
        )
    return texts


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _grid(positions: int, prefix: int) -> str:
    """A number of positions as a square of patches, where it is one."""
    for extra in (prefix, 1, 0):
        side = math.isqrt(max(0, positions - extra))
        if side * side == positions - extra:
            return f"{side}×{side}"
    return str(positions)


def _numbers(found: Fit) -> str:
    kinds = {str(found.choice.tensors[key].dtype).removeprefix("torch.") for key in found.needed}
    other = sorted(kinds & {"float16", "bfloat16", "float64"})
    return f"numbers in {' and '.join(other)} are computed with as float32" if other else ""
