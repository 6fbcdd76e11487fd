"""The command and Python have one set of options, with the same names and defaults."""

import inspect

import pytest
import typer

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.cli import app

ONLY_PYTHON = {
    "analyze": {"quiet", "class_names", "transform", "vit", "output"},
    "report": set(),
    "figure": set(),
    "explain": set(),
    "export": set(),
    "compensation": {"quiet"},
    "interactions": {"quiet"},
    "info": set(),
    "trends": set(),
}
ONLY_COMMAND = {"analyze": {"dry_run"}, "info": {"as_json"}}
"""In Python a function of its own, ``preflight``; and ``Store``, which has the values."""


def command(name):
    return typer.main.get_command(app).commands[name]


def parameters(name):
    return inspect.signature(getattr(headbrush, name)).parameters


@pytest.mark.parametrize("name", ONLY_PYTHON)
def test_the_options_of_the_command_are_those_of_python(name):
    words = {parameter.name: parameter for parameter in command(name).params}
    given = parameters(name)
    assert set(given) - ONLY_PYTHON[name] == set(words) - ONLY_COMMAND.get(name, set())
    for option in set(given) & set(words):
        default = given[option].default
        if default is inspect.Parameter.empty or words[option].required:
            continue
        assert (words[option].default or None) == (default or None), option
        flags = [*words[option].opts, *words[option].secondary_opts]
        assert f"--{option.replace('_', '-')}" in flags


def test_the_two_forms_of_pruning_are_two_functions():
    words = {parameter.name for parameter in command("prune").params}
    both = set(parameters("prune")) | set(parameters("curve"))
    assert both - {"quiet"} == words - {"curve"}
    for option in command("prune").params:
        if option.name in parameters("curve") and option.name != "store":
            default = parameters("curve")[option.name].default
            assert (option.default or None) == (default or None), option.name


def test_a_dry_run_has_the_options_of_the_analysis():
    assert set(parameters("analyze")) - {"quiet"} == set(parameters("preflight"))


def test_no_function_takes_just_any_option():
    for name in ("analyze", "preflight", "report", "figure", "info", "serve", "trends"):
        kinds = {each.kind for each in parameters(name).values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize(
    ("name", "given", "nearest"),
    [
        ("analyze", "batchsize", "batch_size"),
        ("preflight", "per_clas", "per_class"),
        ("report", "image", "images"),
        ("figure", "panle", "panel"),
        ("info", "head", "heads"),
        ("serve", "prot", "port"),
        ("trends", "permutation", "permutations"),
    ],
)
def test_a_misspelt_option_names_the_nearest_in_one_line(name, given, nearest):
    with pytest.raises(InputError, match=rf"no option {given}\. Did you mean {nearest}\?") as found:
        getattr(headbrush, name)(**{given: 1})
    assert "\n" not in str(found.value)
