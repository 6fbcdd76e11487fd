"""A vision transformer without some of its heads; needs timm only: ``model = load()``."""

import json
from pathlib import Path

import timm
from safetensors.torch import load_file
from timm.layers import apply_rot_embed_cat as turn
from torch import cat, nn
from torch.nn.functional import scaled_dot_product_attention as attend


class Heads(nn.Module):
    def __init__(self, old, heads):
        super().__init__()
        self.heads, self.mask, self.qkv, self.proj = heads, None, nn.Linear(1, 1), old.proj
        self.half, self.prefix = (getattr(old, n, 0) for n in ("rotate_half", "num_prefix_tokens"))
        self.q_norm, self.k_norm = (getattr(old, n, nn.Identity()) for n in ("q_norm", "k_norm"))

    def forward(self, x, *_, rope=None, **__):
        if not self.heads:
            return self.proj.bias.expand_as(x)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, n = self.q_norm(q), self.k_norm(k), self.prefix
        if rope is not None:
            q, k = (cat([t[:, :, :n], turn(t[:, :, n:], rope, half=self.half)], 2) for t in (q, k))
        return self.proj(attend(q, k, v, self.mask).transpose(1, 2).flatten(2))


def load(folder=Path(__file__).parent):
    model = timm.create_model(f"local-dir:{folder}")
    for place, heads in json.loads((folder / "heads_kept.json").read_bytes()).items():
        if len(heads) != (old := model.get_submodule(place)).num_heads:
            model.set_submodule(place, Heads(old, len(heads)))
    for name, tensor in load_file(folder / "model.safetensors").items():
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, nn.Parameter(tensor))
    return model.eval()
