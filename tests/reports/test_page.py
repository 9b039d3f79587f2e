"""The page: complete, the same each time, readable without the network, without JavaScript and without sight."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from contrast import contrast
from html_tree import Element, parse
from sample_findings import AWKWARD, sample_findings, small_findings

from edt_sampling.experiments.findings import Contrast, Estimate, Findings, Text, Token
from edt_sampling.reports import notation
from edt_sampling.reports.charts.palette import DARK, LIGHT
from edt_sampling.reports.page import page

CHARTS = ["quality", "effects", "paired", "ablations", "forced", "acting", "best-of", "entropies", "temperatures", "lengths"]
NUMBER = re.compile(r"[+\u2212]?\d*\.\d+")


@pytest.fixture(scope="module")
def findings() -> Findings:
    return sample_findings()


@pytest.fixture(scope="module")
def html(findings: Findings) -> str:
    return page(findings)


@pytest.fixture(scope="module")
def tree(html: str) -> Element:
    return parse(html)


@pytest.fixture(scope="module")
def small() -> Element:
    return parse(page(small_findings()))


def cells(element: Element) -> set[str]:
    return {cell for row in element.rows() for cell in row}


def chart(tree: Element, name: str) -> Element:
    return tree.by_id(f"chart-{name}")


def assert_rows(element: Element, wanted: Iterable[tuple[str, ...]]) -> None:
    """Each wanted row's cells stand in one row of the element's tables."""
    rows = [set(row) for row in element.rows()]
    missing = [row for row in wanted if not any(set(row) <= found for found in rows)]
    assert not missing


def test_equal_findings_give_equal_bytes_in_another_process(html: str):
    code = "import hashlib, sys; from sample_findings import sample_findings; from edt_sampling.reports.page import page; "
    code += "print(hashlib.sha256(page(sample_findings()).encode()).hexdigest())"
    environment = {"PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert other.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


def test_the_page_says_the_verdict_first(tree: Element, findings: Findings):
    (title,) = tree.find("h1")
    assert title.text == findings.headline
    told = tree.by_id("verdict").text
    wanted = [*findings.sentences, *findings.notes, findings.model, findings.task, "80 dev, 300 test", "0, 1", "prompts set beforehand"]
    assert [text for text in wanted if text not in told] == []


def test_a_sequential_run_says_so(findings: Findings):
    short = replace(findings, sequential=True, contrasts=(), rows=(), band=(), effects=(), forced=(), paired=(), ablations=())
    assert "valid at every look" in parse(page(short)).by_id("verdict").text


def test_every_chart_says_what_it_shows_and_has_its_numbers(tree: Element):
    assert [figure.attributes["id"] for figure in tree.find("figure")] == [f"chart-{name}" for name in CHARTS]
    for figure in tree.find("figure"):
        (drawing,) = figure.find("div", role="img")
        assert len(drawing.attributes["aria-label"] or "") > 40
        (details,) = figure.find("details")
        assert details.find("table")
        assert details.find("tbody")[0].find("td")
        sizes = [div.attributes["class"] for div in drawing.find("div") if div is not drawing]
        assert sizes in (["wide", "narrow"], ["any"])
        assert len(drawing.find("svg")) == len(sizes)


@pytest.mark.parametrize("name", CHARTS)
def test_what_points_say_stands_in_the_chart_s_table(tree: Element, name: str):
    figure = chart(tree, name)
    tables = " ".join(cells(figure))
    said = [title.text for svg in figure.find("svg") for title in svg.find("title")]
    assert said, "points say their numbers on hover"
    numbers = {number for text in said if ":" in text for number in NUMBER.findall(text.rpartition(": ")[2])}
    assert {number for number in numbers if number not in tables} == set()
    assert numbers or name in ("acting", "entropies", "temperatures", "lengths")


def test_the_quality_chart_s_numbers(tree: Element, findings: Findings):
    figure = chart(tree, "quality")
    rows = [row for row in findings.rows if row.stage != "dev"]
    assert_rows(
        figure,
        (
            (row.method, row.policy, row.role, *(notation.estimate(row.values[name], name) for name in ("self_bleu", "rouge_l")))
            for row in rows
        ),
    )
    assert_rows(figure, ((notation.number(point.diversity), notation.estimate(point.quality)) for point in findings.band))


def test_effects_and_differences(tree: Element, findings: Findings):
    for effect in findings.effects:
        told = (notation.difference(effect.effect), notation.probability(effect.adjusted), notation.probability(effect.p))
        assert_rows(chart(tree, "effects"), [(effect.method, *told, notation.size(effect.detectable), effect.call)])
    for name, pairs in (("paired", findings.paired), ("ablations", findings.ablations)):
        for pair in pairs:
            side = notation.named(pair.method, pair.policy) if name == "paired" else notation.named(pair.other_method, pair.other)
            ps = () if pair.p is None else (notation.probability(pair.adjusted), notation.probability(pair.p))
            assert_rows(chart(tree, name), [(side, notation.difference(pair.difference, pair.metric), *ps)])


def test_teacher_forced_numbers(tree: Element, findings: Findings):
    wanted = (
        (
            *(point.method, point.policy, notation.estimate(point.nll), notation.difference(point.distance)),
            *(notation.fixed(point.exact, 3), notation.fixed(point.entropy, 3), notation.fixed(point.temperature)),
        )
        for point in findings.forced
    )
    assert_rows(chart(tree, "forced"), wanted)


def test_every_bin_of_every_histogram(tree: Element, findings: Findings):
    for name in ("entropies", "temperatures", "lengths"):
        head, *rows = chart(tree, name).rows()
        for found in getattr(findings, name):
            column = head.index(notation.named(found.method, found.policy))
            assert [row[column] for row in rows] == [notation.number(share) for share in found.shares]
    head, *rows = chart(tree, "acting").rows()
    assert [row[1] for row in rows] == [notation.number(share) for share in findings.acting.entropy.shares]
    for column, (policy, curve) in enumerate(findings.acting.temperatures, start=2):
        assert head[column] == f"T, {notation.setting(policy)}"
        assert [row[column] for row in rows] == [notation.number(t) for t in curve]


def test_best_of_every_k(tree: Element, findings: Findings):
    head, *rows = chart(tree, "best-of").rows()
    for point in findings.best_of:
        (row,) = (row for row in rows if row[0] == point.method)
        assert row[head.index(f"k = {point.k}")] == notation.signed(point.effect)


def test_all_settings_with_all_columns(tree: Element, findings: Findings):
    section = tree.by_id("settings")
    assert_rows(
        section, ((row.policy, row.method, row.role, *(notation.value(name, e) for name, e in row.values.items())) for row in findings.rows)
    )
    assert len(section.find("tbody")[0].find("tr")) == sum(row.stage != "dev" for row in findings.rows)
    assert all(signature in section.text for signature in findings.signatures.values())


def test_headings_ids_and_landmarks(tree: Element, small: Element):
    for root in (tree, small):
        ids = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        levels = [int(element.tag[1]) for element in root.walk() if re.fullmatch(r"h[1-6]", element.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        links = [a.attributes["href"] or "" for a in root.find("a")]
        assert {link.removeprefix("#") for link in links} <= set(ids)
        assert {e.attributes[n] for e in root.walk() for n in ("aria-labelledby",) if n in e.attributes} <= set(ids)
        assert root.find("html", lang="en")
        assert root.find("meta", name="viewport")
        assert len(root.find("main")) == 1


def test_tables_scroll_by_keyboard(tree: Element):
    boxes = tree.find("div", **{"class": "scroll"})
    assert len(boxes) == len(tree.find("table"))
    assert all(box.attributes["tabindex"] == "0" and box.attributes["aria-label"] for box in boxes)


def test_nothing_is_loaded_from_elsewhere(html: str, tree: Element):
    loading = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}
    assert [e for e in tree.walk() if loading & e.attributes.keys()] == []
    assert all((e.attributes.get("href") or "#").startswith("#") for e in tree.walk())
    assert not re.search(r"url\(|@import|https?:|<link|fetch\(|XMLHttpRequest", html)


def test_the_size_is_modest(html: str):
    assert len(html.encode()) < 1_500_000


def test_texts_cannot_become_markup(tree: Element, findings: Findings):
    assert len(tree.find("script")) == 2, "the findings and the keys, whatever texts say"
    assert not [element for element in tree.walk() if element.tag == "b" and "not bold" in element.text]
    section = tree.by_id("examples")
    assert "<b>not bold</b>" in section.text
    assert "Eigenvalues <sorted>." in section.text
    texts = [element.text for element in section.find("p", **{"class": "tokens"})]
    visible = "".join(AWKWARD).replace("\x00", "\u2400").replace("\n", "↵\n").replace("\t", "⇥\t")
    assert sum(visible in text.replace("∅", "") for text in texts) == 4


def test_each_token_tells_h_t_and_p(tree: Element, findings: Findings):
    section = tree.by_id("examples")
    tokens = [token for contrast in findings.contrasts for pair in _paired(contrast) for text in pair for token in text.tokens]
    spans = [span for text in section.find("p", **{"class": "tokens"}) for span in text.find("span")]
    assert len(spans) == len(tokens) > 1000
    for span, token in zip(spans, tokens, strict=True):
        assert span.attributes["title"] == f"H {token.entropy:.2f} nats  T {token.temperature:.2f}  p {token.probability:.2g}"
    hottest = max(token.temperature for token in tokens)
    assert {span.attributes["class"] for span, t in zip(spans, tokens, strict=True) if t.temperature == hottest} == {"t10"}
    assert {span.attributes["class"] for span, t in zip(spans, tokens, strict=True) if t.temperature < hottest / 40} == {"t0"}


def _paired(contrast: Contrast) -> list[tuple[Text, ...]]:
    """Rows as the page shows them: by seed and sample, the subject to the right."""
    keys = sorted({(text.seed, text.sample) for text in contrast.texts})
    found = {(text.method == "EDT", text.seed, text.sample): text for text in contrast.texts}
    return [(found[False, *key], found[True, *key]) for key in keys]


def test_each_text_is_one_tab_stop(tree: Element, findings: Findings):
    texts = tree.by_id("examples").find("p", **{"class": "tokens"})
    assert len(texts) == sum(len(contrast.texts) for contrast in findings.contrasts)
    assert all(text.attributes["tabindex"] == "0" and text.attributes["aria-label"] for text in texts)
    assert not [span for text in texts for span in text.find("span") if "tabindex" in span.attributes]
    assert tree.by_id("status").attributes["role"] == "status"


def test_the_findings_are_in_the_page_as_json(tree: Element, findings: Findings):
    embedded = json.loads(tree.by_id("findings").text)
    assert embedded == json.loads(json.dumps(asdict(findings)))
    assert embedded["band"][0]["quality"]["low"] == findings.band[0].quality.low


def test_what_is_no_number_is_a_dash_and_null():
    small = small_findings()
    rows = (replace(small.rows[0], values={**small.rows[0].values, "distinct_2": Estimate(float("nan"))}), *small.rows[1:])
    tree = parse(page(replace(small, rows=rows)))
    assert "–" in tree.by_id("settings").rows()[1]
    assert json.loads(tree.by_id("findings").text)["rows"][0]["values"]["distinct_2"]["mean"] is None


def test_half_a_character_does_not_break_the_page():
    token = Token("\ud83d", 1.0, 0.5, 0.25)
    text = Text(method="EDT", policy="edt:t0=1,theta=1", seed=0, sample=0, score=0.1, finish="end", tokens=(token,))
    contrast = Contrast(why="median", example="x", difference=0.0, prompt="", references=(), texts=(text,))
    html = page(replace(small_findings(), contrasts=(contrast,)))
    assert html.encode()
    assert "no text" in parse(html).by_id("examples").text, "the other side has none"


def test_a_run_that_lacks_things_says_so(small: Element):
    told = {element.text for element in small.find("p", **{"class": "none"})}
    assert len(told) == 7
    for part in (
        "no logits",
        "without logits",
        "one setting",
        "no texts",
        "no ablations",
        "with a baseline",
        "neither temperatures nor lengths",
    ):
        assert any(part in text for text in told), part
    assert [figure.attributes["id"] for figure in small.find("figure")] == ["chart-quality", "chart-effects"]
    assert "BLEU" in chart(small, "quality").text


def test_a_run_of_nothing_still_has_a_page():
    empty = replace(small_findings(), rows=(), effects=(), best_of=())
    tree = parse(page(empty))
    assert not tree.find("figure")
    assert "No setting of test" in tree.by_id("quality").text


def test_charts_have_no_colours_of_their_own(tree: Element):
    drawn = [e for svg in tree.find("svg") for e in svg.walk()]
    colours = {e.attributes[name] for e in drawn for name in ("fill", "stroke") if name in e.attributes}
    assert {colour for colour in colours if not (colour or "").startswith("var(--")} <= {"none", "transparent"}
    assert {colour for colour in colours if colour and colour.startswith("var(")} <= {f"var(--{name})" for name in LIGHT}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_the_paper(theme: dict[str, str]):
    text = {"ink": 7.0, "soft": 4.5, "fixed": 4.5}
    for name, colour in theme.items():
        if name in text or name.startswith("series"):
            assert contrast(colour, theme["paper"]) >= text.get(name, 3.0), name
    assert LIGHT.keys() == DARK.keys()
    assert len(set(LIGHT.values())) == len(LIGHT), "each colour has one name"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (notation.number(0.2094), ".209"),
        (notation.number(1.0, "self_bleu"), "1.000"),
        (notation.number(-0.0001), ".000"),
        (notation.number(34.16, "eda"), "34.2"),
        (notation.number(None), "–"),
        (notation.signed(0.00834), "+.0083"),
        (notation.signed(-0.00834), "\u2212.0083"),
        (notation.signed(-0.00001), "+.0000"),
        (notation.signed(0.83, "length"), "+0.83"),
        (notation.size(0.01055), ".0106"),
        (notation.difference(Estimate(0.0075, -0.0002, 0.0152)), "+.0075 [\u2212.0002, +.0152]"),
        (notation.estimate(Estimate(0.2, 0.19, 0.21)), ".200 [.190, .210]"),
        (notation.estimate(Estimate(0.2)), ".200"),
        (notation.probability(0.0004), "< .001"),
        (notation.setting("fixed:temperature=0.6"), "T 0.6"),
        (notation.named("EDT, shuffled", "scheduled"), "EDT, shuffled"),
        (notation.head("rouge_l at equal diversity"), "ROUGE-L at equal diversity"),
    ],
)
def test_numbers_and_names(written: Any, wanted: str):
    assert written == wanted
