"""Recipes are values with findable names and sensible limits."""

import dataclasses

import pytest

from kerascnn.errors import InputError
from kerascnn.export.recipes import FLOAT32, INT8, INT16X8, RECIPES, Tolerance, get

NAMES = ("float32", "float16", "dynamic_int8", "weight_only_int8", "int8", "int16x8")


def test_the_six_recipes_are_there_under_their_names():
    assert tuple(RECIPES) == NAMES
    assert all(recipe.name == name for name, recipe in RECIPES.items())


@pytest.mark.parametrize(
    ("typed", "name"),
    [("INT8", "int8"), ("weight-only-int8", "weight_only_int8"), (" int8 ", "int8")],
)
def test_spelling_of_a_name_is_forgiven(typed, name):
    assert get(typed).name == name


def test_a_recipe_stands_for_itself():
    mine = dataclasses.replace(INT8, name="mine")
    assert get(mine) is mine


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"unknown recipe 'int9'.*Did you mean int8"):
        get("int9")


def test_an_unknown_name_lists_all_recipes():
    with pytest.raises(InputError, match=", ".join(NAMES)):
        get("zzz")


@pytest.mark.parametrize(
    ("recipe", "wanted", "io"),
    [
        (INT8, "uint8", "uint8"),
        (INT8, "int8", "int8"),
        (INT8, "float32", "float32"),
        (INT16X8, "int16", "int16"),
        (INT16X8, "uint8", "float32"),
        (FLOAT32, "uint8", "float32"),
    ],
)
def test_io_falls_back_to_what_the_recipe_has(recipe, wanted, io):
    assert recipe.choose_io(wanted) == io


def test_an_io_type_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="io must be one of uint8, int8, int16, float32"):
        FLOAT32.choose_io("int4")


def test_recipes_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        INT8.name = "other"
    with pytest.raises(TypeError):
        RECIPES["mine"] = INT8


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Tolerance)])
@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_a_tolerance_that_is_no_size_is_refused(field, value):
    with pytest.raises(InputError, match=field):
        dataclasses.replace(FLOAT32.tolerance, **{field: value})


def test_agreement_is_a_share():
    with pytest.raises(InputError, match="share of 1"):
        dataclasses.replace(FLOAT32.tolerance, top1_agreement=95)


def test_float32_is_the_strictest_recipe():
    for recipe in list(RECIPES.values())[1:]:
        assert recipe.tolerance.max_abs > FLOAT32.tolerance.max_abs
        assert recipe.tolerance.top1_agreement < 1
