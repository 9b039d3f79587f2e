"""The table: fits a terminal, and says under what it was made."""

import json
from pathlib import Path

from fake_run import decode, fake_plan
from rich.console import Console

from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.summary import Summary, summarise
from edt_sampling.reports.table import as_json, render
from edt_sampling.store import Reader


def summary_of(out: Path, size: int = 4, **fields: object) -> Summary:
    plan = fake_plan(size, **fields)
    decode(plan, out)
    with Reader(plan.folder(out)) as reader:
        return summarise(reader)


def printed(summary: Summary) -> str:
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    console.print(render(summary))
    return console.export_text()


def test_the_whole_grid_fits_100_columns(tmp_path: Path):
    methods = [method.model_dump() for method in load_recipe().methods]
    text = printed(summary_of(tmp_path, methods=methods))
    lines = text.splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert "\u2026" not in text, "nothing is cut"
    rows = [line for line in lines if line.startswith(" ") and "[" in line and "=" in line.split("[")[0]]
    assert len(rows) == 27, "one line a setting"


def test_what_the_table_must_not_be_read_without(tmp_path: Path):
    text = " ".join(printed(summary_of(tmp_path, seeds=[0, 3])).split())
    for told in ("4 prompts", "K = 2, seeds 0,3", "temperature,top_p=0.95", "engine fake", "threads 2", "rougeL|f1", "selfBLEU|k:2"):
        assert told in text
    assert "4 prompts could detect" in text


def test_methods_with_their_own_filters_show_them(tmp_path: Path):
    methods = [{"name": "m", "policies": ["fixed:temperature=1"], "filters": "none"}, {"name": "n", "policies": ["udt:t0=1,theta=1"]}]
    text = printed(summary_of(tmp_path, methods=methods))
    assert "m fixed: temperature " in text
    assert "n udt: temperature,top_p=0.95" in " ".join(text.split())


def test_json_holds_every_number(tmp_path: Path):
    summary = summary_of(tmp_path)
    plain = json.loads(json.dumps(as_json(summary), allow_nan=False))
    first = plain["settings"][0]
    assert (first["method"], first["policy"]) == ("Fixed", "fixed:temperature=0")
    assert set(first["values"]["rouge_l"]) == {"mean", "low", "high"}
    assert plain["prompts"] == 4
    assert plain["signatures"].keys() >= {"rouge_l", "eda", "self_bleu"}


def test_one_prompt_has_no_interval(tmp_path: Path):
    assert "low" not in as_json(summary_of(tmp_path, size=1))["settings"][0]["values"]["rouge_l"]
