"""Say why weights do not fit an architecture, and what they seem to be."""

import re

from headbrush.analysis.model.weights.files.stored_tensor import StoredTensor, shown
from headbrush.analysis.model.weights.fitting import Fit

_KNOWN = (
    (
        r"(?:^|\.)embeddings\.patch_embeddings\.|\.attention\.attention\.query\.|"
        r"(?:^|\.)vision_model\.encoder\.layers\.",
        "weights of transformers; give timm's weights of the same network",
    ),
    (r"(?:^|\.)encoder_layer_0\.|(?:^|\.)conv_proj\.", "weights of torchvision's ViT"),
    (r"lora_[AB]?|\.adapter", "an adapter (LoRA); merge it into the network, then save that"),
    (r"(?:^|\.)layer1\.0\.(?:conv|bn)1\.", "weights of a ResNet"),
    (r"(?:^|\.)layers\.0\.blocks\.0\.", "weights of a Swin transformer"),
    (r"(?:^|\.)stages\.0\.", "weights of a network in stages, a ConvNeXt for example"),
    (r"(?:^|\.)transformer\.resblocks\.", "weights of CLIP"),
    (r"\.(?:exp_avg|exp_avg_sq|momentum_buffer)$", "the state of an optimizer"),
)


def why_it_does_not_fit(found: Fit, name: str) -> str:
    """One sentence: what differs first, where it was found, and what the weights seem to be."""
    tensors = found.choice.tensors
    seems = _seems(tensors)
    if found.foreign:
        return f"holds none of the weights of {name}; found: {seems}."
    place = f"the weights under {shown(found.choice.prefix)!r}" if found.choice.prefix else "it"
    do = "do" if found.choice.prefix else "does"
    first = "; ".join(shown(text) for text in found.misfits[:3])
    more = f" and {len(found.misfits) - 3} more" if len(found.misfits) > 3 else ""
    return f"{place} {do} not fit the model {name}: {first}{more}. Found: {seems}."


def _seems(tensors: dict[str, StoredTensor]) -> str:
    """What weights seem to be."""
    for pattern, kind in _KNOWN:
        if any(re.search(pattern, key) for key in tensors):
            return kind
    facts = []
    width = next((t.shape[-1] for k, t in tensors.items() if _is_norm(k) and t.shape), None)
    if width:
        facts.append(f"width {width}")
    numbers = [int(m[1]) for key in tensors if (m := re.match(r"blocks\.(\d{1,4})\.", key))]
    if numbers:
        facts.append(f"{max(numbers) + 1} layer{'s' if max(numbers) else ''}")
    embed = tensors.get("patch_embed.proj.weight")
    if embed is not None and len(embed.shape) == 4:
        facts.append(f"patches of {embed.shape[2]}×{embed.shape[3]} pixels")
    registers = tensors.get("reg_token") or tensors.get("register_tokens")
    if registers is not None and len(registers.shape) == 3:
        facts.append(f"{registers.shape[1]} registers")
    head = tensors.get("head.weight")
    if head is not None and len(head.shape) == 2:
        facts.append(f"{head.shape[0]} classes")
    if facts:
        return f"a vision transformer of {', '.join(facts)}"
    if len(tensors) == 1:
        return f"only the tensor {shown(next(iter(tensors)))}"
    return f"{len(tensors)} other tensors, {shown(next(iter(tensors), ''))} for example"


def _is_norm(key: str) -> bool:
    return re.fullmatch(r"blocks\.0\.norm1\.weight|norm\.weight|cls_token", key) is not None
