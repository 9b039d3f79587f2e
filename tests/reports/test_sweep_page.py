"""The sweep's page: complete, the same each time, readable without the network, its colours legible; and its figures as files."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from contrast import contrast, linear
from html_tree import Element, parse
from rich.console import Console
from sample_findings import small_findings
from sample_sweep import flat_sweep, sample_sweep

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.sweep.findings import SweepFindings
from edt_sampling.reports import notation
from edt_sampling.reports import page as comparison
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.maps import distance
from edt_sampling.reports.charts.palette import DARK, LIGHT
from edt_sampling.reports.charts.scales import Scale, centred, level
from edt_sampling.reports.charts.standalone import standalone, write_figures
from edt_sampling.reports.sweep import figures, page
from edt_sampling.reports.sweep_table import render

CHARTS = ["distance", "plane-1", "plane-2", "best", "map-quality", "map-diversity", "map-eda", "map-temperature", "map-cold"]


@pytest.fixture(scope="module")
def findings() -> SweepFindings:
    return sample_sweep()


@pytest.fixture(scope="module")
def html(findings: SweepFindings) -> str:
    return page(findings)


@pytest.fixture(scope="module")
def drawn(findings: SweepFindings) -> list[Figure]:
    return figures(findings)


@pytest.fixture(scope="module")
def flat() -> Element:
    return parse(page(flat_sweep()))


@pytest.fixture(scope="module")
def tree(html: str) -> Element:
    return parse(html)


def test_equal_findings_give_equal_bytes_in_another_process(html: str):
    code = "import hashlib; from sample_sweep import sample_sweep; from edt_sampling.reports.sweep import page; "
    code += "print(hashlib.sha256(page(sample_sweep()).encode()).hexdigest())"
    environment = {"PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert other.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


def test_the_page_says_the_verdict_first(tree: Element, findings: SweepFindings):
    (title,) = tree.find("h1")
    assert title.text == f"4 cells stand out. {findings.headline}"
    told = tree.by_id("verdict").text
    assert [
        text for text in (*findings.sentences, "60 dev prompts, 5 texts each, seeds 0", "temperature,top_p=0.95") if text not in told
    ] == []


def test_nothing_is_loaded_from_elsewhere(html: str, tree: Element):
    loading = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}
    assert [e for e in tree.walk() if loading & e.attributes.keys()] == []
    assert all((e.attributes.get("href") or "#").startswith("#") for e in tree.walk())
    assert not re.search(r"url\(|@import|https?:|<link|fetch\(|XMLHttpRequest", html)
    assert len(html.encode()) < 1_500_000


def test_every_chart_is_drawn_wide_and_narrow_and_says_what_it_shows(tree: Element):
    assert [figure.attributes["id"] for figure in tree.find("figure")] == [f"chart-{name}" for name in CHARTS]
    for figure in tree.find("figure"):
        (drawing,) = figure.find("div", role="img")
        assert len(drawing.attributes["aria-label"] or "") > 40
        assert [div.attributes["class"] for div in drawing.find("div") if div is not drawing] == ["wide", "narrow"]
        assert figure.find("details")[0].find("table")


def test_every_number_of_every_cell_stands_in_a_table(tree: Element, findings: SweepFindings):
    section = tree.by_id("cells")
    rows = {tuple(row) for row in section.rows()}
    for one in findings.maps:
        for cell in one.cells:
            wanted = (
                *(cell.policy, notation.difference(cell.effect), notation.probability(cell.adjusted), notation.probability(cell.p)),
                *(notation.size(cell.detectable), notation.fixed(cell.outside), cell.call),
                *(notation.percent(cell.best["effect"]), notation.percent(cell.best["eda"])),
                *(notation.value(name, found) for name, found in cell.values.items()),
            )
            assert wanted in rows
        for row in one.fixed:
            assert (row.policy, *(notation.value(name, found) for name, found in row.values.items())) in rows
        assert all(signature in section.text for signature in one.signatures.values())


def test_the_maps_tables_hold_each_number_with_its_interval_at_its_place(tree: Element, findings: SweepFindings):
    for number, one in enumerate(findings.maps):
        for chart, written in (
            ("distance", lambda cell: notation.difference(cell.effect) if cell.effect else "not comparable"),
            ("map-quality", lambda cell: notation.estimate(cell.values["rouge_l"])),
            ("map-diversity", lambda cell: notation.estimate(cell.values["self_bleu"])),
            ("map-eda", lambda cell: notation.estimate(cell.values["eda"], "eda")),
            ("map-temperature", lambda cell: notation.estimate(cell.values["temperature"], "temperature")),
            ("map-cold", lambda cell: notation.estimate(cell.values["cold"], "cold")),
        ):
            head, *rows = tree.by_id(f"chart-{chart}").find("table")[number].rows()
            assert head == ["T0", *(f"theta {theta:g}" for theta in findings.theta)]
            found = {(float(row[0]), theta): cell for row in rows for theta, cell in zip(findings.theta, row[1:], strict=True)}
            assert found == {(cell.t0, cell.theta): written(cell) for cell in one.cells}


def test_the_distance_map_labels_marks_and_hatches(tree: Element, findings: SweepFindings):
    """In each drawing: a number for every comparable cell, an outline for every one that differs, lines for the rest."""
    for drawing in tree.by_id("chart-distance").find("svg"):
        texts = [text.text for text in drawing.find("text")]
        for cell in (cell for one in findings.maps for cell in one.comparable):
            assert notation.signed(cell.effect.mean if cell.effect else None) in texts
        outlines = [e for e in drawing.walk() if e.attributes.get("stroke-width") == "2"]
        assert len(outlines) == 4 + 2, "four cells, and one in each map's key"
        titles = [title.text for title in drawing.find("title")]
        assert sum(title.endswith("the best cell") and title != "the best cell" for title in titles) == 2
        assert not [title for title in titles if "T0 1.5, theta 0.1" in title], "what is hatched has no colour"
        assert len(drawing.find("line")) > 4 * 5


def test_what_points_and_cells_say_stands_in_the_tables(tree: Element):
    number = re.compile(r"[+\u2212]?\d*\.\d+")
    for figure in tree.find("figure"):
        tables = " ".join(cell for row in figure.rows() for cell in row)
        said = [title.text.rpartition(": ")[2] for svg in figure.find("svg") for title in svg.find("title")]
        assert said
        assert {found for text in said for found in number.findall(text) if found not in tables} == set()


def test_regrets_and_agreements(tree: Element, findings: SweepFindings):
    rows = [set(row) for row in tree.by_id("best-cells").rows()]
    for regret in findings.regrets:
        lost = notation.difference(regret.lost, "rouge_l" if regret.by == "effect" else "eda") if regret.lost else "not comparable"
        assert any({regret.on, regret.of, regret.taken, regret.own, lost} <= row for row in rows)
    assert "\u22120.12 [\u22120.47, +0.23]" in {cell for row in rows for cell in row}
    assert sum("+0.41" in row for row in rows) == 8


def test_headings_ids_and_landmarks(tree: Element, flat: Element):
    for root in (tree, flat):
        ids = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        assert {(a.attributes["href"] or "").removeprefix("#") for a in root.find("a")} <= set(ids)
        assert len(root.find("h1")) == len(root.find("main")) == 1
        assert all(box.attributes["tabindex"] == "0" for box in root.find("div", **{"class": "scroll"}))


def test_the_findings_are_in_the_page_as_json(tree: Element, findings: SweepFindings):
    assert json.loads(tree.by_id("findings").text) == json.loads(json.dumps(asdict(findings)))


def test_texts_cannot_become_markup():
    small = flat_sweep()
    tree = parse(page(replace(small, maps=(replace(small.maps[0], name="<b>bold</b>.jsonl"),), headline="<i>x</i>")))
    assert not tree.find("b")
    assert "<b>bold</b>.jsonl: ROUGE-L" in tree.by_id("chart-map-quality").text


def test_a_map_with_nothing_to_compare_still_has_a_page(flat: Element):
    assert flat.find("h1")[0].text.startswith("Nothing to compare")
    drawings = flat.by_id("chart-distance").find("svg")
    assert all("not comparable" in [text.text for text in svg.find("text")] for svg in drawings)
    assert "From task to task" not in flat.text


def test_a_long_grid_fits_its_frame(findings: SweepFindings):
    """Twelve thetas: cells get narrower, and nothing is drawn beyond the frame."""
    one = findings.maps[0]
    theta = tuple(float(i) for i in range(1, 13))
    cells = tuple(replace(one.cells[0], t0=t0, theta=t, policy=f"edt:t0={t0:g},theta={t:g}") for t0 in findings.t0 for t in theta)
    wide = distance(replace(findings, theta=theta, maps=(replace(one, cells=cells),)))
    for (_, drawing), width in zip(wide.drawings, (944, 346), strict=True):
        (svg,) = parse(str(drawing)).find("svg")
        assert float(svg.attributes["width"] or 0) <= width
        assert len(svg.find("text")) >= 6 * 12


def test_charts_have_no_colours_of_their_own(tree: Element):
    drawn = [e for svg in tree.find("svg") for e in svg.walk()]
    colours = {e.attributes[name] or "" for e in drawn for name in ("fill", "stroke") if name in e.attributes}
    assert colours <= {"none", "transparent", *(f"var(--{name})" for name in LIGHT)}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_numbers_are_legible_on_every_step_of_colour(theme: dict[str, str]):
    steps = [name for name in theme if name.startswith(("over", "under", "even", "level"))]
    assert len(steps) == 4 + 4 + 1 + 9
    assert all(contrast(theme[name], theme["ink"]) >= 4.5 for name in steps)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_steps_are_told_apart_and_go_one_way(theme: dict[str, str]):
    """Each step stands out more from the middle (the maps centred on 0) or from the first (the others) than the one before."""
    for side in ("over", "under"):
        away = [contrast(theme["even"], theme[f"{side}-{i}"]) for i in range(1, 5)]
        assert away == sorted(away)
        assert away[0] > 1.05
    levels = [contrast(theme["level-0"], theme[f"level-{i}"]) for i in range(9)]
    assert levels == sorted(levels)


def test_blue_and_orange_stay_apart_for_the_colour_blind():
    """By the matrices of Machado, Oliveira and Fernandes 2009 for complete protanopia, deuteranopia and tritanopia."""
    matrices = [
        ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
        ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    ]
    for theme in (LIGHT, DARK):
        over, under = (linear(theme[f"{side}-4"]) for side in ("over", "under"))
        for matrix in matrices:
            one, other = ([sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix] for colour in (over, under))
            assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.15


def test_scales():
    scale = centred([-0.02, 0.01])
    assert (scale.low, scale.high) == (-0.02, 0.02)
    assert scale.colour(0.0) == scale.colour(0.002) == scale.colour(-0.002) == LIGHT["even"]
    assert [scale.colour(x) for x in (-0.02, 0.02, 0.004, 9)] == [LIGHT["under-4"], LIGHT["over-4"], LIGHT["over-1"], LIGHT["over-4"]]
    assert [level([1, 2, 10]).colour(x) for x in (1, 10, 5.6)] == [LIGHT["level-0"], LIGHT["level-8"], LIGHT["level-4"]]
    assert Scale(3, 3).colour(3) == LIGHT["level-4"]
    assert centred([]).colour(0) == LIGHT["even"]


def test_a_map_of_noise_is_pale(findings: SweepFindings):
    """Distances far below what the run could see: no cell reaches the scale's outer half, and the key says where it ends."""
    one = findings.maps[1]
    cells = tuple(replace(c, effect=Estimate(c.effect.mean / 10), detectable=0.02) if c.effect else c for c in one.cells)
    (_, drawing), _ = distance(replace(findings, maps=(replace(one, cells=cells),))).drawings
    (svg,) = parse(str(drawing)).find("svg")
    assert {"+.0200", "\u2212.0200"} <= {text.text for text in svg.find("text")}
    fills = [e.attributes.get("fill") for e in svg.find("path")]
    assert {name for name in ("over-3", "over-4", "under-3", "under-4") if fills.count(f"var(--{name})") > 1} == set(), "but in the key"


def test_figures_as_files_stand_alone(drawn: list[Figure], tmp_path: Path):
    """Well-formed SVG in literal colours on white, with a description and nothing from elsewhere; equal findings give equal bytes."""
    paths = write_figures(drawn, tmp_path / "new" / "folder")
    assert sorted(path.name for path in paths) == sorted(f"{name}.svg" for name in CHARTS)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root[0].tag.endswith("title")
        assert (root[2].tag.endswith("rect"), root[2].attrib["fill"]) == (True, "#ffffff")
        assert not re.search(r"var\(|class=|<script|<style|xlink|href", text)
        assert len(text) < 60_000
    again = write_figures(drawn, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_a_figures_legend_is_drawn_into_its_file(findings: SweepFindings, drawn: list[Figure]):
    plane = next(figure for figure in drawn if figure.name == "plane-1")
    texts = [e.text for e in ElementTree.fromstring(standalone(plane)).iter() if e.tag.endswith("text")]
    assert {"fixed temperatures", *(f"theta {theta:g}" for theta in findings.theta)} <= set(texts)


def test_a_comparisons_figures_are_written_by_the_same_code(tmp_path: Path):
    paths = write_figures(comparison.figures(small_findings()), tmp_path)
    assert [path.name for path in paths] == ["quality.svg", "effects.svg"]
    for path in paths:
        width, height = (float(ElementTree.fromstring(path.read_text()).attrib[name]) for name in ("width", "height"))
        assert 200 < width < 1_100
        assert 100 < height < 1_200


def test_the_terminal_shows_each_map_in_100_columns(findings: SweepFindings):
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    console.print(render(findings))
    text = console.export_text()
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.index(findings.headline.split()[0]) == 0
    for one in findings.maps:
        start = text.index(f"{one.name}: ROUGE-L at equal diversity")
        grid = text[start:].splitlines()[1:8]
        assert grid[0].split() == ["T0", *(part for theta in findings.theta for part in ("theta", f"{theta:g}"))]
        assert grid[6].split()[:3] == ["1.5", "-", "-"]
        assert sum(cell.endswith("*") or cell.endswith("*!") for line in grid for cell in line.split()) == len(one.different)
        assert "!" in grid[3]
    assert "run: " in text
