"""A tiny model in every format of weights, and copies of it that are damaged at random."""

import json
import random
import shutil
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from headbrush.analysis.model.loading import load_model
from headbrush.analysis.store.errors import ModelError
from tests.models import save_tiny_model

NAME = "vit_tiny_patch16_224"
SIZES = {"img_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2}
FORMATS = ("safetensors", "pth", "old pth", "index", "config")
ODD = (None, True, -1, 0, 1e308, 10**9, 10**400, "", "x", "../x", [], [[]], {}, {"": {}}, [1] * 99)


def save_sound(folder: Path, kind: str) -> Path:
    """A sound model; the path of the file that is to be damaged."""
    folder.mkdir()
    if kind == "config":
        return save_tiny_model(folder / "model") / "config.json"
    torch.manual_seed(0)
    weights = timm.create_model(NAME, num_classes=3, **SIZES).state_dict()
    path = folder / {"safetensors": "w.safetensors", "index": "w.index.json"}.get(kind, "w.pth")
    if kind == "safetensors":
        save_file(weights, path)
    elif kind == "index":
        shards = [f"w-{number}.safetensors" for number in (1, 2)]
        places = {key: shards[count % 2] for count, key in enumerate(weights)}
        for shard in shards:
            own = {key: value for key, value in weights.items() if places[key] == shard}
            save_file(own, folder / shard)
        path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    else:
        wrapped = {"model": weights, "epoch": 3, "args": torch.Size([1])}
        torch.save(wrapped, path, _use_new_zipfile_serialization=kind == "pth")
    return path


def damage(data: bytes, rng: random.Random, is_json: bool) -> bytes:
    """A copy with one to four faults; a JSON file gets odd values too."""
    if is_json and rng.random() < 0.6:
        return _odd_json(json.loads(data), rng)
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = _place(len(found), rng)
        length = rng.choice((1, 1, 2, 8, 64, 1000))
        match rng.randrange(7):
            case 0:
                found[place : place + 1] = bytes([found[place] ^ 1 << rng.randrange(8)])
            case 1:
                found[place : place + length] = rng.randbytes(length)
            case 2:
                del found[place : place + length]
            case 3:
                found[place:place] = rng.randbytes(length)
            case 4:
                other = _place(len(found), rng)
                found[place : place + length] = found[other : other + length]
            case 5:
                found[place : place + length] = rng.choice((b"\0", b"\xff")) * length
            case _:
                del found[place:]
        if not found:
            break
    return bytes(found)


def _place(length: int, rng: random.Random) -> int:
    """Any place; half of the time near the beginning or the end, where the structure is."""
    if rng.random() < 0.5:
        return rng.randrange(length)
    near = rng.randrange(min(length, 3000))
    return near if rng.random() < 0.5 else length - 1 - near


def _odd_json(value: object, rng: random.Random) -> bytes:
    """A JSON file in which some values are others, or gone."""
    places: list[tuple[object, object]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (dict, list)):
            inner = list(node.items() if isinstance(node, dict) else enumerate(node))
            places += [(node, key) for key, _ in inner]
            waiting += [child for _, child in inner]
    for node, key in rng.sample(places, min(len(places), rng.randint(1, 3))):
        if isinstance(node, dict) and rng.random() < 0.2:
            node.pop(key, None)
        else:
            node[key] = rng.choice(ODD)  # type: ignore[index]
    return json.dumps(value).encode()


def outcome(path: Path, kind: str, sound: dict[str, torch.Tensor]) -> str:
    """How loading ends: same, different, one line, or the name of another error."""
    try:
        if kind == "config":
            model = load_model(str(path.parent), device="cpu")
        else:
            model = load_model(NAME, checkpoint=path, device="cpu", **SIZES)
    except ModelError as error:
        return "one line" if str(error) and "\n" not in str(error) else "several lines"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    loaded = model.module.state_dict()
    same = loaded.keys() == sound.keys() and all(
        torch.equal(loaded[key], value) for key, value in sound.items()
    )
    return "same" if same else "different"


def damaged_copies(path: Path, kind: str, count: int, seed: int):
    """Damage the model at ``path`` ``count`` times; yields its path for each."""
    rng = random.Random(f"{kind} {seed}")
    folder = path.parent
    kept = folder.with_name(f"{folder.name}-kept")
    shutil.copytree(folder, kept)
    files = [path]
    if kind == "index":
        files += [path, *sorted(folder.glob("*.safetensors"))]
    for _ in range(count):
        file = rng.choice(files)
        sound = (kept / file.name).read_bytes()
        file.write_bytes(damage(sound, rng, file.suffix == ".json"))
        yield path
        file.write_bytes(sound)
