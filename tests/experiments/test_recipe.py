"""Recipes: defaults, layers, and each mistake in one line."""

from pathlib import Path
from typing import Any

import pytest

from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.policies import Fixed

CURVE = {"name": "Fixed", "policies": ["fixed:temperature=0.5", "fixed:temperature=1"]}
EDT = {"name": "EDT", "policies": ["edt:t0=1,theta=1"]}
FIXED = "fixed:temperature="


def methods(*given: dict[str, Any]) -> Recipe:
    return Recipe.model_validate({"methods": list(given)})


def test_the_shipped_recipe_is_the_default_of_every_field():
    shipped = load_recipe()
    for name, field in Recipe.model_fields.items():
        if name != "methods":
            assert getattr(shipped, name) == field.get_default(), name


def test_the_shipped_grid_gives_every_method_as_many_settings():
    recipe = load_recipe()
    assert [method.name for method in recipe.methods] == ["Fixed", "EDT", "DynaTemp", "UDT", "Instance EDT"]
    assert recipe.candidates[0].name == "EDT", "the subject of the verdict"
    warm = {m.name: sum(not (isinstance(p, Fixed) and p.temperature == 0) for p in m.read()) for m in recipe.methods}
    assert set(warm.values()) == {8}
    assert f"{FIXED}0" in recipe.fixed.policies
    assert max(p.theta for p in recipe.candidates[0].read()) == 5


def test_every_field_is_described():
    assert all(field.description for field in Recipe.model_fields.values())


def test_flags_win_over_the_file_and_the_file_over_the_shipped_one(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'limit = 7\nsamples = 3\n[[methods]]\nname = "mine"\npolicies = ["edt:theta=0.10,t0=0.6"]\nfilters = "none"\n'
        '[[methods]]\nname = "all"\npolicies = ["fixed:temperature=0.5", "fixed:temperature=1"]\n'
    )
    recipe = load_recipe(file, samples=9, until=None)
    assert (recipe.limit, recipe.samples, recipe.until, recipe.dev_limit) == (7, 9, None, 60)
    assert (recipe.fixed.name, [m.name for m in recipe.candidates]) == ("all", ["mine"])
    (mine,) = recipe.candidates
    assert str(recipe.setting(mine, mine.read()[0])) == "edt:t0=0.6,theta=0.1 | temperature"
    assert str(recipe.setting(recipe.fixed, recipe.fixed.read()[0])) == "fixed:temperature=0.5 | temperature,top_p=0.95"


def test_specs_are_stored_in_one_notation():
    one, other = (methods(CURVE, {"name": "m", "policies": [s]}) for s in ("edt: t0=.8, theta=2e-1", "edt:theta=0.2,t0=0.80,base=0.8"))
    assert one.identity() == other.identity()


def test_the_first_method_of_fixed_temperatures_alone_is_the_curve():
    mixed = {"name": "Mixed", "policies": [f"{FIXED}0.7", "edt:t0=1,theta=1"]}
    recipe = methods(mixed, {**CURVE, "name": "First"}, {**CURVE, "name": "Second"})
    assert recipe.fixed.name == "First"
    assert [m.name for m in recipe.candidates] == ["Mixed", "Second"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([EDT], "methods: one must hold fixed temperatures alone, two or more of them above 0"),
        ([EDT, {"name": "m", "policies": [f"{FIXED}1", "udt:t0=1,theta=1"]}], "one must hold fixed temperatures alone"),
        ([EDT, {"name": "m", "policies": [f"{FIXED}0", f"{FIXED}1"]}], "two or more of them above 0"),
        ([CURVE], "methods: one must hold something else than the fixed temperatures"),
        ([CURVE, EDT, EDT], "two methods have the name 'EDT'"),
        ([CURVE, {"name": "cold", "policies": [f"{FIXED}0"]}], "methods: 'cold' is greedy alone"),
        ([CURVE, EDT, {"name": "m", "policies": [f"{FIXED}1", f"{FIXED}1.0"]}], "fixed:temperature=1 stands twice in method 'm'"),
        ([], "at least 1 item"),
    ],
)
def test_methods_that_can_give_no_verdict_are_refused(given: list[dict[str, Any]], told: str):
    with pytest.raises(ValueError, match="methods") as error:
        methods(*given)
    assert told in str(error.value)
    with pytest.raises(ValueError, match=r"^recipe: ") as error:
        load_recipe(methods=given)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_policies_take_the_place_of_the_methods_and_the_shipped_curve_stays():
    recipe = load_recipe(policies=["udt:t0=1,theta=1", "edt:t0=1,theta=1", "udt:t0=.5,theta=1"])
    assert recipe.fixed == load_recipe().fixed
    assert [(m.name, m.policies) for m in recipe.candidates] == [
        ("udt", ["udt:t0=1,theta=1", "udt:t0=0.5,theta=1"]),
        ("edt", ["edt:t0=1,theta=1"]),
    ]


def test_fixed_policies_take_the_curves_place():
    recipe = load_recipe(policies=["edt:t0=1,theta=1", f"{FIXED}0.4", f"{FIXED}0.9"])
    assert recipe.fixed.policies == [f"{FIXED}0.4", f"{FIXED}0.9"]
    assert [m.name for m in recipe.methods] == ["edt", "fixed"]


def test_the_curve_of_a_file_stays_too(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[methods]]\nname = "EDT"\npolicies = ["edt:t0=1,theta=1"]\n'
        '[[methods]]\nname = "T"\npolicies = ["fixed:temperature=0.3", "fixed:temperature=1.3"]\nfilters = "none"\n'
    )
    recipe = load_recipe(file, policies=["udt:t0=1,theta=1"])
    assert (recipe.fixed.name, recipe.fixed.filters, [m.name for m in recipe.candidates]) == ("T", "temperature", ["udt"])


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        (["etd:t0=1"], "unknown policy 'etd'; did you mean 'edt'?"),
        (["edt:t0=1,theta=-1"], "theta must be a finite number >= 0, got -1.0"),
        ([f"{FIXED}0.5", f"{FIXED}1"], "one must hold something else"),
        (["edt:t0=1,theta=1", f"{FIXED}1"], "two or more of them above 0"),
        (["edt:t0=1,theta=1", f"{FIXED}1", f"{FIXED}0"], "two or more of them above 0"),
        (["edt:t0=1,theta=1", "edt:theta=1,t0=1.0"], "edt:t0=1,theta=1 stands twice"),
    ],
)
def test_policies_that_can_give_no_verdict_are_refused(policies: list[str], told: str):
    with pytest.raises(ValueError, match=r"^recipe: ") as error:
        load_recipe(policies=policies)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limti = 3", "unknown field 'limti'; did you mean 'limit'?"),
        ("zzz = 3", "unknown field 'zzz'; known: model, engine, base_url, task"),
        ("limit = 1", "limit: input should be greater than or equal to 2, got 1"),
        ("limit = 1.5", "limit: input should be a valid integer, got 1.5"),
        ("dev_limit = 1", "dev_limit: input should be greater than or equal to 2, got 1"),
        ("until = 0.0", "until: input should be greater than 0, got 0.0"),
        ('split = "train"', "unknown field 'split'"),
        ("samples = true", "samples: input should be a valid integer, got True"),
        ("samples = 1", "samples: input should be greater than or equal to 2, got 1"),
        ("seeds = [1, 1]", "seeds: each seed may stand once"),
        ("seeds = [-1]", "seeds[0]: input should be greater than or equal to 0"),
        ("methods = []", "methods: list should have at least 1 item"),
        ('[[methods]]\nname = "m"\npolices = ["fixed:temperature=1"]', "did you mean 'policies'?"),
        ('[[methods]]\nname = "m"\npolicies = ["edt:t0=1,theta=-1"]', "edt: theta must be a finite number >= 0"),
        ('[[methods]]\nname = "m"\npolicies = ["edt:t0=nan,theta=1"]', "edt: t0 must be"),
        ('[[methods]]\nname = "m"\npolicies = ["etd:t0=1"]', "unknown policy 'etd'; did you mean 'edt'?"),
        ('[[methods]]\nname = "m"\npolicies = ["fixed:temperature=1", "fixed:temperature=1.0"]', "fixed:temperature=1 stands twice"),
        ('filters = "top_q=1"', "filters: filters 'top_q=1': unknown step 'top_q'"),
        ('dtype = "int8"', "dtype: input should be"),
        ("limit = ", "is not TOML"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, told: str):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.toml") as error:
        load_recipe(file)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("flags", "told"),
    [({"limit": -1}, "limit (--limit)"), ({"max_new_tokens": 0}, "max_new_tokens (--max-new-tokens)"), ({"dev_limit": 1}, "(--dev-limit)")],
)
def test_a_mistake_in_a_flag_names_the_flag(flags: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=r"^recipe: ") as error:
        load_recipe(**flags)
    assert told in str(error.value)
