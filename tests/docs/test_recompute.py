"""docs/recompute.py finds every number of a page again from the exported texts, notices what was changed, and borrows nothing from us."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys

import pytest
from fake_run import METHODS, compare, exported, fake_comparison
from markdown_pages import ROOT, inline_code

from edt_sampling.experiments.find import find
from edt_sampling.reports.page import page
from edt_sampling.store import Reader

SCRIPT = ROOT / "docs" / "recompute.py"
OTHERS = [
    {"name": "UDT", "policies": ["udt:t0=0.9,theta=0.1", "udt:t0=1,theta=0.2"]},
    {"name": "Far", "policies": ["edt:t0=1.3,theta=0.2"]},  # hotter than the fixed temperatures: not comparable
]


def drawn(folder, *comparisons):
    """The exported texts and the page of one run that these comparisons made, one after the other."""
    for comparison in comparisons:
        compare(comparison, folder)
    (folder / "texts.jsonl").write_text(exported(comparison, folder) + "\n", encoding="utf-8")
    with Reader(comparison.folder(folder)) as reader:
        (folder / "report.html").write_text(page(find(reader)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two seeds, several methods, two qualities, and prompts enough for random sign flips."""
    metrics = ["rouge_l", "self_bleu", "bleu", "distinct_n:n=7", "eda", "length:unit=characters"]
    comparison = fake_comparison(20, dev=9, methods=METHODS + OTHERS, samples=3, seeds=[0, 4], metrics=metrics)
    return drawn(tmp_path_factory.mktemp("run"), comparison)


@pytest.fixture(scope="module")
def until(tmp_path_factory):
    """A run that added prompts: it was looked at with 100, and with 110."""
    return drawn(tmp_path_factory.mktemp("until"), fake_comparison(110, dev=6, until=1e-9))


@pytest.fixture(scope="module")
def script():
    """The script as a module, so that several changes are tried in one process."""
    spec = importlib.util.spec_from_file_location("recompute", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def findings(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="findings">(.*?)</script>', text, flags=re.DOTALL)[1])


def test_every_section_is_computed_and_the_same(run):
    command = [sys.executable, SCRIPT, run / "texts.jsonl", run / "report.html"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert result.stdout.endswith("\nevery number is the same\n")
    assert sections(result.stdout) == sections_of(run)


def sections(printed):
    """The sections in which numbers were compared."""
    counts = {line[:14].strip(): int(line[14:23].replace(",", "")) for line in printed.splitlines()[1:] if line.count("%")}
    assert all(count > 0 for count in counts.values()), counts
    return counts.keys()


def sections_of(folder):
    """What the page has lists of, and what the script adds."""
    lists = {key for key, value in findings(folder).items() if isinstance(value, list)}
    return lists - {"seeds", "notes", "environments"} | {"facts", "choice", "acting", "T dealt out"}


def test_the_runs_hold_what_they_are_for(run, until):
    one, two = map(findings, (run, until))
    assert {e["call"] for e in one["effects"]} >= {"not comparable"}
    assert any(e["effect"] for e in one["effects"])
    assert len({e["metric"] for e in one["effects"]}) == 2
    assert one["notes"]
    assert not one["sequential"]
    assert two["sequential"]
    assert two["test_prompts"] == 110
    assert all(f["ablations"] and f["contrasts"] for f in (one, two))


LINES = {
    "rows": (r'("stage": "test", "unit": 3, "setting": 2, .*?"text": ")[^"]*', r"\1returns nothing"),
    "best_of": (r'("stage": "dev", "unit": 1, "setting": 4, .*?"text": ")[^"]*', r"\1returns nothing"),
    "forced": (r'("kind": "forced", "stage": "forced-test", "unit": 0, "setting": 3, .*?"nll": \[)[^,]*', r"\g<1>9.5"),
    "T dealt out": (r'("kind": "text", "stage": "shuffled", .*?"T": \[)[^,]*', r"\g<1>0.9"),
}
"""By section, a change to the exported texts that it must notice."""

NUMBERS = {
    "sentences[0][0]": (r'("headline":".*?\.)\d{3}', r"\g<1>777"),
    "facts.test_prompts": (r'("test_prompts":)\d+', r"\g<1>777"),
    "rows[0].values.rouge_l.low": (r'("rouge_l":{"mean":[^,]*,"low":)[^,]*', r"\g<1>0.777"),
    "effects[0].outside": (r'("outside":)[^,]*', r"\g<1>0.777"),
    "effects[0].adjusted": (r'("adjusted":)[^,]*', r"\g<1>0.777"),
    "effects[0].detectable": (r'("detectable":)[^,]*', r"\g<1>0.777"),
    "best_of[0].effect": (r'("k":1,"effect":)[^,}]*', r"\g<1>0.777"),
    "acting.entropy.shares[0]": (r'("shares":\[)[^,]*', r"\g<1>0.777"),
}
"""By place, a change to the page's numbers."""


def changed(text, changes):
    for pattern, replacement in changes.values():
        text, count = re.subn(pattern, replacement, text, count=1)
        assert count == 1, pattern
    return text


def test_changed_lines_are_noticed(run, script, tmp_path, capsys):
    text = (run / "texts.jsonl").read_text(encoding="utf-8")
    (tmp_path / "texts.jsonl").write_text(changed(text, LINES), encoding="utf-8")
    assert script.main(tmp_path / "texts.jsonl", run / "report.html") == 1
    printed = capsys.readouterr().out
    differ = set(re.findall(r"^(.*?) +[\d,]+ .*  differs$", printed, flags=re.MULTILINE))
    assert set(LINES) <= differ, printed
    assert "facts" not in differ


def test_a_sequential_run_is_the_same_but_for_what_was_changed(until, script, tmp_path, capsys):
    before, embedded = (until / "report.html").read_text(encoding="utf-8").split('id="findings">')
    (tmp_path / "report.html").write_text(f'{before}id="findings">{changed(embedded, NUMBERS)}', encoding="utf-8")
    assert script.main(until / "texts.jsonl", tmp_path / "report.html") == 1
    printed = capsys.readouterr().out
    told = set(re.findall(r"^(.*): the page has ", printed, flags=re.MULTILINE))
    assert told - {"sentences[0][3]", "sentences[0][4]"} == set(NUMBERS), printed  # p and detectable are told there too
    assert " more" not in printed
    assert sections(printed) == sections_of(until)


def test_the_sections_that_the_verdicts_page_names_are_on_the_page(run):
    named = {code for code in inline_code(ROOT / "docs" / "verdict.md") if code.startswith("#")}
    assert len(named) > 5
    assert named <= {f"#{name}" for name in re.findall(r'<section id="([^"]+)"', (run / "report.html").read_text(encoding="utf-8"))}


def test_it_imports_nothing_of_ours():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = sys.stdlib_module_names | {"numpy", "rouge_score", "sacrebleu"}
    assert {name.partition(".")[0] for name in names} <= allowed
    assert not {"importlib", "runpy", "subprocess"} & names
    assert not re.search(r"__import__|\bexec\(|\beval\(", SCRIPT.read_text(encoding="utf-8"))
