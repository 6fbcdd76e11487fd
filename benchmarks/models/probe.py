"""Is the leave-one-out accuracy of a probe that on new images, and does a probe tell the same?

The bundled model loses its classifier. A ridge probe is fitted to 300 of the bundled images; the
other 700 are new to it. Baselines: what it says of the images of its fit, and the model's own
classifier. Then each head is pruned for some of the new images: the rank correlation of mean JSD
by the probe, and of neighbours lost, with that by the model's own classifier.

    PYTHONPATH=. .venv/bin/python benchmarks/models/probe.py
"""

import time

import numpy as np
import torch
from scipy.stats import spearmanr

from headbrush.analysis.images.choosing import choose
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labelling import label_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.measures.neighbours import Neighbours, neighbours_lost
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.modules.classifiers.given import PROBE, GivenClassifier
from headbrush.analysis.model.modules.classifiers.ridge import fit_ridge
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.model.wrapping import with_classifier
from headbrush.analysis.start.demo import bundled_folder

FITTED, PRUNED, BATCH = 30, 40, 20
"""Images of each class in the fit; new images whose heads are pruned."""


def outputs(model: VisionModel, images: ImageSet) -> np.ndarray:
    """What a model puts out for images, ``(m, …)``."""
    with torch.inference_mode():
        parts = [
            model.outputs(load_batch(model, images, range(at, min(at + BATCH, len(images)))))
            for at in range(0, len(images), BATCH)
        ]
    return torch.cat(parts).numpy()


def main() -> None:
    """Print accuracies and rank correlations."""
    place = bundled_folder()
    own, body = load_model(str(place / "model")), load_model(str(place / "model"), headless=True)
    classes = ClassList(names=own.class_names)
    images = label_images(list_images(place / "images"), classes, None, "number")
    fitted = choose(images, None, FITTED)
    new = images.take([i for i, n in enumerate(images.names) if n not in set(fitted.names)])
    features = outputs(body, images)
    place_of = {name: i for i, name in enumerate(images.names)}
    of_fit, of_new = (features[[place_of[n] for n in one.names]] for one in (fitted, new))
    start = time.perf_counter()
    probe = fit_ridge(of_fit, fitted.labels, 10)
    print(f"fit of {len(fitted)} images, {features.shape[1]} features: "
          f"{time.perf_counter() - start:.3f} s")  # fmt: skip
    for words, one, rows in (("images of the fit", fitted, of_fit), ("new images", new, of_new)):
        right = ((rows @ probe.weight.T + probe.bias).argmax(1) == one.labels).mean()
        mine = (outputs(own, one).argmax(1) == one.labels).mean()
        print(f"{len(one)} {words}: probe {right:.1%}, own classifier {mine:.1%}")
    print(f"leave-one-out: {(probe.left_out.argmax(1) == fitted.labels).mean():.1%}")
    given = GivenClassifier(
        PROBE, probe.weight.astype("f4"), probe.bias.astype("f4"), "softmax", own.class_names, ""
    )
    compare_heads(own, with_classifier(body, given), body, new, of_new)


def compare_heads(
    own: VisionModel, probed: VisionModel, body: VisionModel, new: ImageSet, features: np.ndarray
) -> None:
    """Print how alike the importance of heads is by the three."""
    chosen = np.linspace(0, len(new) - 1, PRUNED).astype(int)
    found: list[list[np.ndarray]] = [[], [], []]
    for at in range(0, PRUNED, BATCH):
        numbers = chosen[at : at + BATCH].tolist()
        inputs = load_batch(own, new, numbers)
        for place, model in enumerate((own, probed)):
            found[place].append(leave_one_out(model, trace(model, inputs), None)[1, 0])
        lost = neighbours_lost(body, trace(body, inputs), numbers, Neighbours(features))
        found[2].append(lost[0])
    own_jsd, probe_jsd, lost = (np.concatenate(one).mean(0).reshape(-1) for one in found)
    print(f"mean JSD of heads, probe against own: {spearmanr(own_jsd, probe_jsd)[0]:.3f}")
    print(f"neighbours lost against own mean JSD: {spearmanr(own_jsd, lost)[0]:.3f}")


if __name__ == "__main__":
    main()
