"""Training recipes: defaults, mistakes in one line, and the shipped files."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from edt_sampling.cli.train import command
from edt_sampling.experiments.recipe_file import read_fields, validated
from edt_sampling.tasks import load_task
from edt_sampling.training.lora.arguments import arguments, lora
from edt_sampling.training.lora.recipe import TrainRecipe

SHIPPED = Path(__file__).parents[2] / "recipes" / "train"
PAPERS = ("xlsum", "quac", "ms_marco", "wmt19")


def recipe(**fields: Any) -> TrainRecipe:
    return validated(TrainRecipe, {"task": "t.jsonl"} | fields, file=None, flags={})


def test_every_field_is_described_and_is_a_flag():
    assert all(field.description for field in TrainRecipe.model_fields.values())
    flags = {option.name: option for option in command.params}
    assert TrainRecipe.model_fields.keys() <= flags.keys() - {"recipe", "out", "trust_remote_code"}
    assert flags["best"].secondary_opts == ["--no-best"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rank": 0}, "rank: input should be greater than or equal to 1, got 0"),
        ({"ranck": 4}, "unknown field 'ranck'; did you mean 'rank'?"),
        ({"epochs": "3"}, "epochs: input should be a valid number, got '3'"),
        ({"schedule": "step"}, "schedule: input should be 'cosine', 'linear' or 'constant', got 'step'"),
        ({"warmup": 1.0}, "warmup: input should be less than 1, got 1.0"),
        ({"batch_size": 6, "gradient_accumulation": 4}, "gradient_accumulation: must divide batch_size, 6, into equal parts, got 4"),
        ({"eval_every": 4, "save_every": 6}, "save_every: must be a multiple of eval_every, which is 4, got 6"),
        ({"target_modules": ["all-linear", "q_proj"]}, "target_modules: all-linear stands alone, got all-linear, q_proj"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_field(fields, told):
    with pytest.raises(ValueError, match=r"^recipe: ") as caught:
        recipe(**fields)
    assert str(caught.value) == f"recipe: {told}"


def test_what_changes_no_result_changes_no_folder():
    plain = recipe().identity()
    savers = {"gradient_accumulation": 4, "gradient_checkpointing": True, "threads": 1, "device": "cpu", "keep": 9, "merge": True}
    assert recipe(**savers).identity() == recipe(save_every=50).identity() == plain
    for name, value in {"rank": 8, "seed": 1, "best": False, "packing": True, "eval_every": 10, "limit": 5}.items():
        assert recipe(**{name: value}).identity() != plain, name


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers to trl
def test_processes_share_each_batch(tmp_path):
    args = arguments(recipe(batch_size=12, gradient_accumulation=2, device="cpu"), tmp_path, processes=3)
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 2)
    with pytest.raises(ValueError, match=r"batch_size: must be a multiple of .* \(2 parts on each of 4 processes\), got 12"):
        arguments(recipe(batch_size=12, gradient_accumulation=2), tmp_path, processes=4)


def test_lora_is_as_the_recipe_says():
    found = lora(recipe(rank=4, alpha=8, dropout=0.1, target_modules=["q_proj", "v_proj"]))
    assert (found.r, found.lora_alpha, found.lora_dropout, found.target_modules) == (4, 8, 0.1, {"q_proj", "v_proj"})
    assert lora(recipe()).target_modules == "all-linear"


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda file: file.stem)
def test_shipped_recipes_are_valid_and_name_tasks_that_train(file):
    """Nothing is fetched: a task of the hub is only named."""
    found = validated(TrainRecipe, read_fields(file), file=file, flags={})
    assert found.packing is False or found.max_length
    if file.stem in PAPERS:
        assert {load_task(found.task, split=split).split for split in ("train", "dev")} == {"train", "dev"}
        assert found.model == "meta-llama/Llama-2-13b-hf"


@pytest.mark.parametrize("name", PAPERS)
def test_shipped_recipes_say_of_each_value_whose_it_is(name):
    """The paper publishes the model, the method and the data sets; all else is ours, and each line says so."""
    text = (SHIPPED / f"{name}.toml").read_text()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            field, said = line.partition(" =")[0], line.partition("#")[2]
            whose = "paper" if field in ("model", "task") else "our choice|changes no result|the latest checkpoints"
            assert any(part in said for part in whose.split("|")), line
    assert tomllib.loads(text).keys() >= {"rank", "alpha", "dropout", "target_modules", "learning_rate", "epochs", "batch_size"}


def test_the_bundled_recipes_task_asks_for_names_that_stand_in_the_prompt():
    turned = runpy.run_path(str(SHIPPED / "which_parameter.py"))["turned"]
    lines = [turned(example, number) for number, example in enumerate(load_task("docstrings-question", split="dev").examples())]
    assert [sum(line["split"] == split for line in lines) for split in ("train", "dev", "test")] == [111, 38, 38]
    for line in lines:
        source, question, description = line["prompt"].partition("\n\nWhich parameter is this? ")
        assert question
        assert description
        assert re.search(rf"(?m)^{line['reference']}\b", source), "an entry of the docstring's parameters begins with the name"
