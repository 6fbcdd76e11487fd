"""Modules as users bring them: a tiny ViT in wrappers, adapted, in other number formats."""

import copy
import types

import timm
import torch
from timm.utils import ModelEma, ModelEmaV2, ModelEmaV3
from torch import nn

SMALL = {
    "embed_dim": 24,
    "depth": 3,
    "num_heads": 3,
    "num_classes": 5,
    "img_size": 32,
    "patch_size": 8,
}
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def tiny(name="vit_tiny_patch16_224", **changed):
    """A tiny ViT with weights that make every part matter."""
    torch.manual_seed(0)
    module = timm.create_model(name, **(SMALL | changed))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module.eval()


class Normalize(nn.Module):
    """Normalises pictures, as wrappers for adversarial robustness do."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * scale)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * scale)

    def forward(self, pictures):
        return (pictures - self.mean) / self.std


class Calls(nn.Module):
    """Calls one member, and does something with what it returns."""

    def __init__(self, model, then=lambda output: output):
        super().__init__()
        self.model, self.then = model, then

    def forward(self, pictures):
        return self.then(self.model(pictures))


class Holds(nn.Module):
    """Cannot be called itself, as a module for training often cannot."""

    def __init__(self, **members):
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


class LightningModule(nn.Module):
    """As Lightning's: its own ``forward`` raises an error."""

    def forward(self, *args):
        return super().forward(*args)


class Training(LightningModule):
    """A user's, with the model as its member."""

    def __init__(self, model):
        super().__init__()
        self.backbone = model


class DistributedDataParallel(Holds):
    """Stands for torch's, which needs a process group."""


class TimmWrapperForImageClassification(nn.Module):
    """Stands for that of transformers."""

    def __init__(self, timm_model):
        super().__init__()
        self.timm_model = timm_model

    def forward(self, pixel_values, labels=None):
        return {"loss": labels, "logits": self.timm_model(pixel_values)}


class LoRALinear(nn.Module):
    """A linear map and a low-rank one, as adapters put in place of timm's."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, 2, bias=False)
        self.up = nn.Linear(2, base.out_features, bias=False)

    def forward(self, tokens):
        return self.base(tokens) + self.up(self.down(tokens))


class Beside(nn.Module):
    """A module and an adapter beside it."""

    def __init__(self, base, width):
        super().__init__()
        self.base, self.adapter = base, nn.Linear(width, width)

    def forward(self, tokens, *args, **kwargs):
        return self.base(tokens, *args, **kwargs) + self.adapter(tokens).tanh()


class Detached(Calls):
    """Calls its member without gradients."""

    @torch.no_grad()
    def forward(self, pictures):
        return super().forward(pictures)


def prompted(in_front=True):
    """A tiny ViT with prompt tokens behind the class token, as visual prompt tuning adds them."""
    module = tiny()
    module.prompts = nn.Parameter(torch.randn(1, 2, 24))

    def add(_block, args):
        cls, patches = args[0][:, :1], args[0][:, 1:]
        prompts = module.prompts.expand(len(cls), -1, -1)
        parts = (cls, prompts, patches) if in_front else (cls, patches, prompts)
        return torch.cat(parts, 1), *args[1:]

    module.blocks[0].register_forward_pre_hook(add)
    return module


def changed(change):
    """A tiny ViT after a change."""
    module = tiny()
    change(module)
    return module


def _lora(module):
    for block in module.blocks:
        block.attn.qkv, block.attn.proj = LoRALinear(block.attn.qkv), LoRALinear(block.attn.proj)


def _beside_attention(module):
    for block in module.blocks:
        block.attn = Beside(block.attn, 24)


def _beside_blocks(module):
    for index in range(3):
        module.blocks[index] = Beside(module.blocks[index], 24)


def _hooks(module):
    module.blocks[1].attn.register_forward_hook(lambda _m, _i, output: output * 2)
    module.blocks[2].attn.proj.register_forward_hook(lambda _m, _i, output: output.sin())
    module.blocks[2].register_forward_pre_hook(lambda _m, args: (args[0] * 0.5, *args[1:]))
    module.blocks[0].register_forward_hook(lambda _m, _i, output: output + 0.1)


def _scaled_projection(module):
    for block in module.blocks:
        inner = block.attn.forward
        block.attn.forward = types.MethodType(
            lambda _self, x, inner=inner, **kwargs: inner(x, **kwargs).tanh(), block.attn
        )


def _norms(module):
    for block in module.blocks:
        block.norm1 = nn.RMSNorm(24)
        block.attn.q_norm = nn.LayerNorm(8)
        block.attn.norm = nn.LayerNorm(24)


def _low_rank_hook(module):
    module.head.register_forward_hook(lambda _m, _i, output: output * 3)


ADAPTED = {
    "LoRA in qkv and proj": lambda: changed(_lora),
    "adapter beside the attention": lambda: changed(_beside_attention),
    "adapter beside each block": lambda: changed(_beside_blocks),
    "hooks that change what modules return": lambda: changed(_hooks),
    "attention's forward replaced": lambda: changed(_scaled_projection),
    "norms replaced": lambda: changed(_norms),
    "a hook at the head": lambda: changed(_low_rank_hook),
    "weight norm": lambda: changed(
        lambda m: [nn.utils.parametrizations.weight_norm(b.attn.proj) for b in m.blocks]
    ),
    "a block that is a Sequential": lambda: changed(
        lambda m: m.blocks.__setitem__(1, nn.Sequential(m.blocks[1], nn.Linear(24, 24)))
    ),
    "a layer dropped": lambda: changed(lambda m: m.blocks.__setitem__(1, nn.Identity())),
    "a layer replaced by a linear map": lambda: changed(
        lambda m: m.blocks.__setitem__(1, nn.Linear(24, 24))
    ),
    "prompt tokens": prompted,
    "a single layer": lambda: tiny(depth=1),
    "a head that is a small network": lambda: changed(
        lambda m: setattr(m, "head", nn.Sequential(nn.Linear(24, 8), nn.GELU(), nn.Linear(8, 4)))
    ),
    "a classifier behind a backbone": lambda: nn.Sequential(tiny(num_classes=0), nn.Linear(24, 3)),
    "a frozen backbone without gradients": lambda: Calls(
        tiny(num_classes=0), Detached(nn.Linear(24, 3))
    ),
}
"""What computes something else than the ViT that timm made."""

WRAPPED = {
    "DataParallel": nn.DataParallel,
    "DistributedDataParallel": lambda m: DistributedDataParallel(module=m),
    "torch.compile": torch.compile,
    "torch.compile of DataParallel": lambda m: torch.compile(nn.DataParallel(m)),
    "AveragedModel": torch.optim.swa_utils.AveragedModel,
    "ModelEma": ModelEma,
    "ModelEmaV2": ModelEmaV2,
    "ModelEmaV3": ModelEmaV3,
    "transformers' wrapper": TimmWrapperForImageClassification,
    "Sequential": nn.Sequential,
    "called by another": Calls,
    "called by another, twice": lambda m: Calls(Calls(m)),
    "a module for training": Training,
    "a module without forward": lambda m: Holds(net=m, loss=nn.CrossEntropyLoss()),
    "logits in a dict": lambda m: Calls(m, lambda output: {"logits": output, "loss": None}),
    "logits as attribute": lambda m: Calls(m, lambda o: types.SimpleNamespace(logits=o)),
    "a tuple of one": lambda m: Calls(m, lambda output: (output,)),
    "gradient checkpointing": lambda m: m.set_grad_checkpointing(True) or m,
    "training mode with dropout": lambda m: _with_dropout(m),
    "no fused attention": lambda m: _unfused(m),
    "float64": lambda m: m.double(),
    "frozen": lambda m: m.requires_grad_(False),
    "a deep copy": copy.deepcopy,
}
"""What computes the same as the ViT inside."""


def _with_dropout(module):
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.5
    return module.train()


def _unfused(module):
    for block in module.blocks:
        block.attn.fused_attn = False
    return module
