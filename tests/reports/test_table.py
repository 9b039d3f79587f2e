"""The table: fits a terminal, and says under what it was made."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_run import METHODS, compare, fake_comparison
from rich.console import Console

from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Effect, Estimate, Findings
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.reports.table import as_json, render
from edt_sampling.store import Reader


def findings_of(out: Path, size: int = 4, **fields: Any) -> Findings:
    comparison = fake_comparison(size, dev=3, **fields)
    compare(comparison, out)
    with Reader(comparison.folder(out)) as reader:
        return find(reader)


def printed(findings: Findings) -> str:
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    console.print(render(findings))
    return console.export_text()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return findings_of(tmp_path_factory.mktemp("run"), seeds=[0, 3])


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The whole default grid."""
    return findings_of(tmp_path_factory.mktemp("run"), methods=[method.model_dump() for method in load_recipe().methods])


def rows_of(text: str) -> list[str]:
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("on test"))
    return [line for line in lines[start:] if line.startswith(" ")]


def test_the_whole_grid_fits_100_columns_and_is_one_line_a_setting(shipped: Findings):
    text = printed(shipped)
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\u2026" not in text, "nothing is cut"
    rows = rows_of(text)
    assert len(rows) == sum(row.stage != "dev" for row in shipped.rows) == 9 + 4 + 4 + 2 + 1
    assert all(row.count("[") == 2 for row in rows), "ROUGE-L and Self-BLEU have intervals"


def test_numbers_of_an_effect_are_not_broken_over_lines(shipped: Findings):
    worst = [replace(e, effect=Estimate(-0.1234, -0.2345, 0.1234), adjusted=0.0, detectable=0.1234) for e in shipped.effects]
    text = printed(replace(shipped, effects=tuple(worst)))
    assert len(re.findall(r"-0\.1234 \[-0\.2345, \+0\.1234\] +< \.001 +0\.1234", text)) == 4
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_verdict_stands_above_the_tables(small: Findings):
    text = " ".join(printed(small).split())
    order = (small.headline, *small.sentences, "effect at equal diversity", "on test", "[a-b]:", f"run: {small.content[:8]}")
    places = [text.index(told) for told in order]
    assert places == sorted(places)


def test_a_method_stands_once_with_all_its_settings(shipped: Findings):
    text = printed(shipped)
    for method in ("EDT", "DynaTemp", "UDT", "Instance EDT"):
        assert sum(line.rstrip() == method for line in text.splitlines()) == 1
    assert sum(" * " in row for row in rows_of(text)) == 5, "the best EDA of every method"
    assert sum(" greedy " in row for row in rows_of(text)) == 1


def test_an_effect_is_shown_with_its_p_and_what_could_have_been_seen(small: Findings):
    known: Any = small.effects[0]
    told = " ".join(printed(replace(small, effects=(replace(known, adjusted=0.0, call="better"),))).split())
    assert f"{known.effect.mean:+.4f} [{known.effect.low:+.4f}, {known.effect.high:+.4f}] < .001 {known.detectable:.4f} better" in told


def test_what_is_not_comparable_has_no_numbers(small: Findings):
    lost: Effect = replace(small.effects[0], effect=None, p=None, adjusted=None, detectable=None, call="not comparable")
    assert "t0=0.5,theta=0.2 - - - not comparable" in " ".join(printed(replace(small, effects=(lost,))).split())


def test_what_the_table_must_not_be_read_without(small: Findings):
    text = " ".join(printed(small).split())
    for told in ("3 dev and 4 test prompts", "K = 2, seeds 0,3", "temperature,top_p=0.95", "engine fake", "threads 2", "rougeL|f1",
                 "selfBLEU|k:2", "R from:greedy on dev", "family:Holm over methods x qualities"):  # fmt: skip
        assert told in text
    assert "unequal budgets" not in text


def test_notes_are_told(small: Findings):
    assert "something that a reader must know" in printed(replace(small, notes=("something that a reader must know",)))


def test_methods_with_their_own_filters_show_them(tmp_path: Path):
    udt = {"name": "UDT", "policies": ["udt:t0=0.6,theta=1"], "filters": "none"}
    text = printed(findings_of(tmp_path, methods=[METHODS[0], udt]))
    told = " ".join(text.split())
    assert "UDT temperature t0=0.6,theta=1" in told
    assert "Fixed temperature,top_p=0.95 T 0 greedy" in told
    assert "filters in order: temperature,top_p=0.95 or temperature" in told


def test_a_column_that_is_undefined_is_a_dash(small: Findings):
    rows = [replace(row, values={n: v for n, v in row.values.items() if i == 0 or n != "distinct_2"}) for i, row in enumerate(small.rows)]
    assert sum(" - " in row for row in rows_of(printed(replace(small, rows=tuple(rows))))) == len(rows_of(printed(small))) - 1


def test_json_holds_every_number_and_no_text(small: Findings):
    plain = json.loads(json.dumps(as_json(small), allow_nan=False))
    first = plain["rows"][0]
    assert (first["method"], first["policy"], first["role"]) == ("Fixed", "fixed:temperature=0", "greedy")
    assert set(first["values"]["rouge_l"]) == {"mean", "low", "high"}
    assert (plain["dev_prompts"], plain["test_prompts"]) == (3, 4)
    assert plain["effects"][0]["effect"]["mean"] == small.effects[0].effect.mean  # type: ignore[union-attr]
    assert plain["signatures"].keys() >= {"rouge_l", "eda", "self_bleu", "effect"}
    assert "contrasts" not in plain
    assert plain.keys() == set(Findings.__dataclass_fields__) - {"contrasts"}


def test_nan_is_null_in_json(small: Findings):
    effect = replace(small.effects[0], p=float("nan"))
    assert as_json(replace(small, effects=(effect,)))["effects"][0]["p"] is None
