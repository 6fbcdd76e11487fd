"""The model and the images that a request names."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from headbrush.analysis.images.choosing import choose
from headbrush.analysis.images.class_selection import SamplingError, demand_classes
from headbrush.analysis.images.dataset import MapDataset, dataset_images
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labelling import align_labels, demand_labelling, label_images
from headbrush.analysis.images.labels.class_list import ClassError, ClassList
from headbrush.analysis.images.reading.rules import Reading
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.modules.classifiers.given import GivenClassifier
from headbrush.analysis.model.modules.classifiers.texts_file import texts_classifier
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.model.wrapping import with_classifier, wrap_model
from headbrush.analysis.run.request import Request
from headbrush.analysis.store.errors import InputError


def listed_images(request: Request) -> ImageSet | None:
    """The files of the image folder, not labelled yet; None of a dataset of this process.

    Raises
    ------
    InputError
        If the folder, its class folders or the class file cannot be used with any model.
    """
    if not isinstance(request.images, Path):
        return None
    listed = replace(list_images(request.images), reading=_reading(request))
    demand_labelling(listed, request.classes, request.class_order)
    return listed


def _reading(request: Request) -> Reading:
    millions = request.max_megapixels
    return Reading(
        exif_rotation=request.exif_rotation,
        max_pixels=None if millions is None else millions * 10**6,
    )


def requested_texts(request: Request) -> GivenClassifier | None:
    """The classifier that the texts of a request are; None without texts.

    Raises
    ------
    InputError
        If the file cannot be used, or another option says what the classes are.
    """
    if not request.probe and request.texts is None:
        return None
    option = "--probe" if request.probe else "--texts"
    if request.probe and request.texts is not None:
        raise InputError("--probe and --texts both give the model its classes; give one of them.")
    if request.class_names is not None:
        raise InputError(f"class_names are those of the model's own classes; leave out {option}.")
    if request.probe and request.outputs == "sigmoid":
        raise InputError("--outputs sigmoid does not fit --probe, whose classes exclude each other")
    return None if request.texts is None else texts_classifier(request.texts, request.outputs)


def requested_model(request: Request, texts: GivenClassifier | None = None) -> VisionModel:
    """The model, ready for analysis, or for a probe; ``texts`` are its classes if there are any.

    Raises
    ------
    ModelError
        If it cannot be loaded or analyzed.
    """
    _demand_module(request)
    if not isinstance(request.model, str):
        model = wrap_model(
            request.model,
            class_names=request.class_names,
            transform=request.transform,
            device=request.device,
            outputs=request.outputs if texts is None else "auto",
            stage=request.stage,
            vit=request.vit,
            output=request.output,
        )
        return model if texts is None else with_classifier(model, texts)
    size = {} if request.image_size is None else {"img_size": request.image_size}
    return load_model(
        request.model,
        checkpoint=request.checkpoint,
        pretrained=request.pretrained,
        device=request.device,
        outputs=request.outputs if texts is None else "auto",
        headless=request.probe,
        classifier=texts,
        stage=request.stage,
        **size,
    )


def _demand_module(request: Request) -> None:
    """Refuse what is for a module of this program, or for one without a map."""
    if request.vit is None and request.output is None:
        return
    if isinstance(request.model, str):
        raise InputError("vit= and output= are for a module of this program; give the module.")
    if request.probe or request.texts is not None:
        raise InputError(
            "probe= and texts= are for a model of features; leave out vit= and output=."
        )


def requested_images(request: Request, model: VisionModel, listed: ImageSet | None) -> ImageSet:
    """The images to analyze, or, if the best and worst classes are wanted, to choose from.

    Raises
    ------
    InputError
        If the images do not fit the model or the options.
    """
    classes = ClassList(model.class_ids or (), model.class_names or ())
    if not classes.ids and not classes.names and model.num_classes:
        classes = ClassList(names=tuple(str(number) for number in range(model.num_classes)))
    if listed is not None:
        found = label_images(listed, classes, request.classes, request.class_order)
    elif request.classes is not None or request.class_order != "number":
        raise ClassError("--classes and --class-order are for folders; a dataset has its labels.")
    else:
        known = classes if model.class_ids or model.class_names else ClassList()
        dataset = cast(MapDataset, request.images)
        is_plain = not any(model.mean) and all(one == 1 for one in model.std)
        found = dataset_images(dataset, known, model.num_classes, model.input_size, is_plain)
        found = replace(align_labels(found, found, known), reading=_reading(request))
    if model.num_classes and len(found.class_names) != model.num_classes:
        raise ClassError(
            f"{found.source}: {len(found.class_names)} class names, and the model has "
            f"{model.num_classes} outputs; expected one name an output."
        )
    if request.best_worst is None:
        return choose(found, request.limit, request.per_class)
    if not model.num_classes or not found.has_labels:
        raise SamplingError(
            "--select best-worst needs a model with a classifier, and images in class folders."
        )
    demand_classes(request.best_worst, len(set(found.labels[found.labels >= 0].tolist())))
    return found
