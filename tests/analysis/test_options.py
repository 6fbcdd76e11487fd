"""Options have one naming, in the command and in Python; one that makes no sense is one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

import headbrush
from headbrush import cli
from headbrush.analysis.run.options import option_names, request_from
from headbrush.analysis.run.request import Request
from headbrush.analysis.store.errors import InputError

PLAIN = Request(Path("images"), Path("s"), "vit", command="here", version="1")


def request(**options):
    return request_from("images", "s", "vit", options, command="here", version="1")


def test_without_options_all_have_their_defaults():
    assert request() == PLAIN


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"attention": "all"}, {"attention": None}),
        ({"attention": None}, {"attention": None}),
        ({"attention": "none"}, {"attention": 0}),
        ({"attention": 7}, {"attention": 7}),
        ({"attention": "7"}, {"attention": 7}),
        ({"image_size": 384}, {"image_size": (384, 384)}),
        ({"image_size": "224x448"}, {"image_size": (224, 448)}),
        ({"image_size": (224, 448)}, {"image_size": (224, 448)}),
        ({"select": "best-worst:3"}, {"best_worst": 3}),
        ({"best_worst": 3}, {"best_worst": 3}),
        ({"importance": "gradient"}, {"predictions": False}),
        ({"predictions": False}, {"predictions": False}),
        ({"modes": "all"}, {"all_modes": True}),
        ({"all_modes": True}, {"all_modes": True}),
        ({"autoencoder": "convolutional"}, {"autoencoder": "convolutional"}),
        ({"no_autoencoder": True}, {"autoencoder": "none"}),
        ({"no_autoencoder": False}, {"autoencoder": "linear"}),
        ({"resume": False}, {"restart": True}),
        ({"restart": True}, {"restart": True}),
        ({"per_class": np.int64(5), "seed": 0}, {"per_class": 5}),
        ({"class_names": ["a", "b"]}, {"class_names": ("a", "b")}),
        ({"checkpoint": "w.pth"}, {"checkpoint": Path("w.pth")}),
        ({"classes": "~/c.csv"}, {"classes": Path.home() / "c.csv"}),
    ],
)
def test_an_option_sets_its_field(options, fields):
    assert request(**options) == replace(PLAIN, **fields)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"attention": "some"}, "expected all, none or a number"),
        ({"attention": -1}, "expected all, none or a number"),
        ({"attention": True}, "expected all, none or a number"),
        ({"attention": 1.5}, "expected all, none or a number"),
        ({"image_size": "0x9"}, "expected pixels"),
        ({"image_size": (1, 2, 3)}, "expected pixels"),
        ({"image_size": -4}, "expected pixels"),
        ({"select": "best:2"}, "expected best-worst:K"),
        ({"importance": "guess"}, "expected pruning or gradient"),
        ({"importance": True}, "expected pruning or gradient"),
        ({"autoencoder": "deep"}, "expected linear, convolutional or none"),
        ({"no_autoencoder": True, "autoencoder": "linear"}, "both set autoencoder"),
        ({"modes": 7}, "expected whole or all"),
        ({"limit": 0}, "--limit 0: expected a whole number from 1"),
        ({"per_class": -3}, "--per-class -3: expected a whole number from 1"),
        ({"per_class": "5"}, "--per-class '5': expected a whole number"),
        ({"batch_size": 0}, "expected a whole number from 1"),
        ({"batch_size": None}, "expected a whole number from 1"),
        ({"batch_size": 2.0}, "expected a whole number from 1"),
        ({"seed": -1}, "expected a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "expected a whole number from 0 to 4294967295"),
        ({"seed": True}, "expected a whole number from 0"),
        ({"pretrained": "no"}, "--pretrained 'no': expected True or False"),
        ({"resume": "no"}, "--resume 'no': expected True or False"),
        ({"class_names": "cat"}, "expected a list of names"),
        ({"class_names": [0, 1]}, "expected a list of names"),
        ({"checkpoint": 5}, "expected the path of a file"),
        ({"speed": 9}, "no option speed"),
        ({"per_clas": 9}, "Did you mean per_class?"),
        ({"batchsize": 9}, "Did you mean batch_size?"),
        ({"out": "x"}, "no option out"),
        ({"resume": True, "restart": True}, "both set restart"),
        ({"importance": "pruning", "predictions": True}, "both set predictions"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(options, expected):
    with pytest.raises(InputError) as refused:
        request(**options)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_option_lists_all():
    with pytest.raises(InputError) as refused:
        request(speed=9)
    for name in option_names():
        assert name in str(refused.value)


def test_every_option_of_the_command_is_one_of_python():
    command = get_command(cli.app).commands["analyze"]  # pyright: ignore[reportAttributeAccessIssue]
    named = {param.name for param in command.params} - {"images", "out", "model", "help", "dry_run"}
    assert named <= set(option_names())


def test_a_notebook_offers_the_functions_alone():
    assert dir(headbrush) == sorted(headbrush.__all__)
    assert all(hasattr(headbrush, name) for name in headbrush.__all__)
