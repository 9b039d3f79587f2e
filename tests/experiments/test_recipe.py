"""Recipes: defaults, layers, and each mistake in one line."""

from pathlib import Path
from typing import Any

import pytest

from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe


def test_the_shipped_recipe_is_the_default_of_every_field():
    shipped = load_recipe()
    for name, field in Recipe.model_fields.items():
        if name != "methods":
            assert getattr(shipped, name) == field.get_default(), name


def test_the_shipped_grid_is_wide_enough():
    settings = load_recipe().settings()
    assert len(settings) >= 25
    assert {name for name, _ in settings} == {"Fixed", "EDT", "DynaTemp", "UDT", "Instance EDT"}
    assert max(s.policy.theta for name, s in settings if name == "EDT") == 5  # type: ignore[attr-defined]


def test_every_field_is_described():
    assert all(field.description for field in Recipe.model_fields.values())


def test_flags_win_over_the_file_and_the_file_over_the_shipped_one(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('limit = 7\nsamples = 3\n[[methods]]\nname = "mine"\npolicies = ["edt:theta=0.10,t0=0.6"]\nfilters = "none"\n')
    recipe = load_recipe(file, samples=9, split=None)
    assert (recipe.limit, recipe.samples, recipe.split) == (7, 9, "test")
    ((name, setting),) = recipe.settings()
    assert (name, str(setting)) == ("mine", "edt:t0=0.6,theta=0.1 | temperature")


def test_specs_are_stored_in_one_notation():
    one, other = ({"methods": [{"name": "m", "policies": [spec]}]} for spec in ("edt: t0=.8, theta=2e-1", "edt:theta=0.2,t0=0.80,base=0.8"))
    assert Recipe.model_validate(one).identity() == Recipe.model_validate(other).identity()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limti = 3", "unknown field 'limti'; did you mean 'limit'?"),
        ("zzz = 3", "unknown field 'zzz'; known: model, task"),
        ("limit = 0", "limit: input should be greater than or equal to 1, got 0"),
        ("limit = 1.5", "limit: input should be a valid integer, got 1.5"),
        ("samples = true", "samples: input should be a valid integer, got True"),
        ('split = "train"', "split: input should be 'dev' or 'test', got 'train'"),
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
    ("flags", "told"), [({"limit": -1}, "limit (--limit)"), ({"max_new_tokens": 0}, "max_new_tokens (--max-new-tokens)")]
)
def test_a_mistake_in_a_flag_names_the_flag(flags: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=r"^recipe: ") as error:
        load_recipe(**flags)
    assert told in str(error.value)
