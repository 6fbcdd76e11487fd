"""Label the images of a folder by its class folders."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from headbrush.analysis.images.class_folders import classes_of_folders
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_file import read_class_file
from headbrush.analysis.images.labels.class_list import ClassError, ClassList, natural
from headbrush.analysis.images.labels.class_mapping import notes_of

_SPLITS = frozenset(
    ("train", "training", "train_set", "trainset", "val", "valid", "validation", "val_set", "dev",
     "test", "testing", "test_set", "testset", "eval", "evaluation", "holdout")
)  # fmt: skip


def find_images(
    folder: Path, classes: ClassList, class_file: Path | None = None, order: str = "number"
) -> ImageSet:
    """List ``DIR/<class>/<file>``, or a flat folder without labels.

    See ``list_images`` and ``label_images``, which this does one after the other.
    """
    listed = list_images(folder)
    demand_labelling(listed, class_file, order)
    return label_images(listed, classes, class_file, order)


def demand_labelling(images: ImageSet, class_file: Path | None, order: str) -> None:
    """Check what can be known before the model is.

    Raises
    ------
    ClassError
        If the folders are no classes, or no model could make sense of class file or order.
    """
    _demand_no_splits(images)
    if class_file is None or read_class_file(class_file).has_folders:
        label_images(images, ClassList(), class_file, order)


def label_images(
    images: ImageSet, classes: ClassList, class_file: Path | None = None, order: str = "number"
) -> ImageSet:
    """Label the images of a folder by its class folders; the disk is not asked again.

    ``classes``, ``class_file`` and ``order`` are those of ``classes_of_folders``.

    Raises
    ------
    ClassError
        If a class folder names no class.
    """
    parents = [name.split("/")[0] if "/" in name else None for name in images.names]
    counted = Counter(parent for parent in parents if parent is not None)
    counts = {name: counted[name] for name in sorted(counted, key=natural)}
    if order != "number" and not counts:
        raise ClassError(f"--class-order {order}: {images.folder} has no class folders.")
    decided = classes_of_folders(images.folder, counts, classes, class_file, order)
    index = {one.folder: one.index for one in decided.mapping}
    labels = [-1 if parent is None else index[parent] for parent in parents]
    return replace(
        images,
        labels=np.array(labels, np.int32),
        class_names=decided.names,
        mapping=decided.mapping,
        notes=(*images.notes, *decided.notes, *notes_of(decided.mapping)),
    )


def align_labels(images: ImageSet, dataset: object, classes: ClassList) -> ImageSet:
    """Turn the labels of a dataset that names its classes into the model's outputs.

    Parameters
    ----------
    dataset
        Its ``classes``, if it has any, are a list; several names of one are a list or tuple.
    classes
        Those of the model; empty if they have no names.

    Raises
    ------
    ClassError
        If the model has other classes, and not as many.
    """
    named = getattr(dataset, "classes", None)
    named = named if isinstance(named, (list, tuple)) else ()
    names = [", ".join(map(str, n)) if isinstance(n, (tuple, list)) else str(n) for n in named]
    if not names or (not classes.names and not classes.ids) or images.labels.max() >= len(names):
        return images
    fits = [_fit(name, classes) for name in names]
    if None not in fits:
        outputs = np.array(fits, np.int32)
        labels = np.where(images.labels >= 0, outputs[images.labels], -1).astype(np.int32)
        note = "The dataset's labels were turned into model outputs by the names of its classes."
        is_new = bool((labels != images.labels).any())
        return replace(images, labels=labels, notes=(*images.notes, note)) if is_new else images
    if len(names) != len(classes):
        raise ClassError(
            f"the dataset has {len(names)} classes ({', '.join(names[:3])}, …), and the model has "
            f"{len(classes)} outputs of other names ({classes.label(0)}, …); give a dataset whose "
            "labels are model outputs, without classes of its own."
        )
    note = f"The dataset's labels are taken as model outputs: 0 {names[0]} is {classes.label(0)}, …"
    return replace(images, notes=(*images.notes, note))


def _fit(name: str, classes: ClassList) -> int | None:
    """The class of a name; None if none, several, or only one of that number."""
    try:
        found = classes.find(name)
    except ClassError:
        return None
    return None if found is None or found[1] == "number" else found[0]


def _demand_no_splits(images: ImageSet) -> None:
    """Refuse folders that are all called like ``train`` and ``val``, and hold folders."""
    below: dict[str, set[str]] = {}
    for name in images.names:
        first, *rest = name.split("/")
        if rest:
            below.setdefault(first, set()).update(rest[:1] if len(rest) > 1 else [])
    is_split = [name.casefold().replace("-", "_") in _SPLITS for name in below]
    if below and all(is_split) and all(below.values()):
        first = next(iter(below))
        raise ClassError(
            f"{images.folder}: {', '.join(below)} are parts of a data set, not classes; give one "
            f"of them: --images {images.folder / first}"
        )
