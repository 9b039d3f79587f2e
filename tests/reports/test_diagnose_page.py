"""The diagnosis' page and terminal table: complete, the same each time, and its figures as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_reading import ReadingEngine, diagnose, fake_diagnosis
from html_tree import Element, parse
from markupsafe import Markup
from rich.console import Console

from edt_sampling.experiments.diagnosis import estimates, outcomes
from edt_sampling.experiments.diagnosis.find import find_diagnosis
from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings, Human
from edt_sampling.experiments.diagnosis.sheet import pick, write
from edt_sampling.reports.charts.standalone import standalone
from edt_sampling.reports.diagnose import figures, page
from edt_sampling.reports.diagnose_table import render
from edt_sampling.store import Rating, Reader

CHARTS = ["ranks-tokens", "levels", "ranks-texts", "reliability", "policies"]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> DiagnosisFindings:
    """With a checkpoint, and with two people's ratings."""
    out = tmp_path_factory.mktemp("diagnosis")
    diagnosis = fake_diagnosis(12, policies=["edt:t0=0.8,theta=0.5"], checkpoints=["a"])
    diagnose(diagnosis, out, load=lambda folder: ReadingEngine(fingerprint=folder, tilt=1.0))
    with pytest.MonkeyPatch.context() as patched, diagnosis.writer(out) as writer, Reader(writer.path) as reader:
        for module in (estimates, outcomes):
            patched.setattr(module, "RESAMPLES", 300)
        write(out / "sheet.csv", pick(reader, steps=20), reader=reader, writer=writer, engine=ReadingEngine())
        for shift, rater in enumerate(("ann", "bob")):
            writer.keep_ratings(rater, [Rating(rater, item, 1 + (i + shift) % 5, i % 3) for i, item in enumerate(reader.steps())])
        return find_diagnosis(reader)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch):
    """Pages without drawings, which take most of their time."""
    monkeypatch.setattr("edt_sampling.reports.charts.figure.draw", lambda spec: Markup("<svg></svg>"))


@pytest.fixture(scope="module")
def html(findings: DiagnosisFindings) -> str:
    return page(findings)


@pytest.fixture(scope="module")
def tree(html: str) -> Element:
    return parse(html)


def test_every_chart_stands_there_with_its_numbers(findings: DiagnosisFindings, tree: Element):
    assert [f.attributes["id"] for f in tree.find("figure")] == [f"chart-{name}" for name in CHARTS]
    for figure in tree.find("figure"):
        (drawing,) = figure.find("div", role="img")
        assert drawing.attributes["aria-label"]
        assert len(drawing.find("svg")) == 2, "wide and narrow"
        assert figure.find("table")
    by_name = {f.attributes["id"]: f for f in tree.find("figure")}
    rows = by_name["chart-ranks-tokens"].rows() + by_name["chart-ranks-texts"].rows()
    told = [row for row in rows if row[0] != "outcome"]
    assert len(told) == sum(len(outcome.rankings) for outcome in findings.outcomes)
    assert [row[1] for row in told[:6]] == [
        "entropy H", "1 − max p", "1 − margin", "varentropy", "checkpoint information", "checkpoint variance",
    ]  # fmt: skip
    assert len(by_name["chart-levels"].find("table")) == 6
    assert len(by_name["chart-reliability"].rows()) == 1 + len(findings.reliability.bins)


def test_the_verdict_comes_first_and_all_of_it(findings: DiagnosisFindings, tree: Element):
    (h1,) = tree.find("h1")
    assert h1.text == findings.headline
    header = tree.by_id("verdict").text
    assert all(sentence in header for sentence in findings.sentences)
    assert all(note in header for note in findings.notes)


def test_failure_signatures_are_named_with_their_rules(findings: DiagnosisFindings, tree: Element, undrawn):
    section = tree.by_id("failures")
    rows = section.rows()[1:]
    assert sorted((row[0], row[1]) for row in rows) == sorted((f.name, f.where) for f in findings.failures)
    assert {row[2] for row in rows} <= {"detected", "not detected", "not judged"}
    detected = replace(findings, failures=tuple(replace(f, found=True) for f in findings.failures[:1]))
    told = parse(page(detected)).by_id("failures").text
    assert findings.failures[0].advice in told
    assert "None was detected." in parse(page(replace(findings, failures=()))).by_id("failures").text


def test_people_are_told_of_where_there_are_any(findings: DiagnosisFindings, tree: Element, undrawn):
    assert "2 rated 20 steps of these texts" in " ".join(tree.by_id("texts").text.split())
    alone = replace(findings, human=Human(raters=("ann",), items=3, certain=None, acceptable=None))
    assert "– on how obvious" in " ".join(parse(page(alone)).by_id("texts").text.split())
    without = replace(findings, human=None, outcomes=tuple(o for o in findings.outcomes if o.kind == "token"))
    told = parse(page(without)).by_id("texts").text
    assert "rated" not in told
    assert "No text could be ranked." in told


def test_the_findings_stand_in_the_page(findings: DiagnosisFindings, tree: Element):
    embedded = json.loads(tree.by_id("findings").text)
    assert embedded["headline"] == findings.headline
    assert embedded["outcomes"][0]["rankings"][1]["difference"]["mean"] == findings.outcomes[0].rankings[1].difference.mean


def test_links_lead_to_sections_and_nothing_leads_out(html: str, tree: Element):
    ids = {element.attributes["id"] for element in tree.walk() if element.attributes.get("id")}
    assert all(a.attributes["href"].removeprefix("#") in ids for a in tree.find("a"))
    assert "src=" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_equal_findings_give_equal_bytes(findings: DiagnosisFindings, html: str):
    assert page(findings) == html


def test_figures_can_stand_alone(findings: DiagnosisFindings):
    drawn = figures(findings)
    assert sorted(figure.name for figure in drawn) == sorted(CHARTS)
    files = [standalone(figure) for figure in drawn]
    assert all(file.startswith("<svg") and "var(--" not in file for file in files)
    assert sum(map(len, files)) < 200_000


def test_what_is_not_defined_is_a_dash_and_no_error(findings: DiagnosisFindings, undrawn):
    """A model that is right everywhere cannot be ranked."""
    nothing = tuple(
        replace(o, rankings=tuple(replace(r, found=None, difference=None, p=None, adjusted=None) for r in o.rankings))
        for o in findings.outcomes
    )
    rows = parse(page(replace(findings, outcomes=nothing))).by_id("chart-ranks-tokens").rows()
    assert rows[1][5:] == ["–", "–", "–", "–"]


def test_the_terminal_table_fits_a_hundred_columns(findings: DiagnosisFindings):
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - closed with the process
    console.print(render(findings))
    told = console.export_text()
    assert max(map(len, told.splitlines())) <= 100
    assert findings.headline.split(";")[0] in " ".join(told.split())
    assert "checkpoint information" in told
    assert "right token" in told
