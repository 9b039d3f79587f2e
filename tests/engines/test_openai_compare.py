"""A comparison over a server: from its first prompt to its page, through kills and failures."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

import openai_run
from html_tree import parse
from openai_run import compared, comparison
from openai_server import MODEL, REFERENCE, serving
from rich.console import Console

from edt_sampling.cli import main
from edt_sampling.engines.openai import retrying
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.observed import UNSEEN
from edt_sampling.reports.page import page
from edt_sampling.reports.table import as_json, render
from edt_sampling.store import Reader

DEV, TEST = 3 * 7 * 2, 5 * 6 * 2
"""Texts: prompts x settings x samples; of test, the four fixed temperatures, the chosen setting and the tuned one."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST", 0.002)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[dict[str, Any]]]:
    """The folder and the export of an undisturbed comparison, and what the server was asked."""
    out = tmp_path_factory.mktemp("whole")
    with serving() as served:
        text = compared(served.url, out)
    return out, text, served.texts


@pytest.fixture(scope="module")
def findings(whole: tuple[Path, str, Any]) -> Findings:
    with Reader(comparison().folder(whole[0])) as reader:
        return find(reader)


def key(body: dict[str, Any]) -> str:
    return repr(sorted(body.items(), key=str))


def test_every_text_is_asked_for_once(whole: tuple[Path, str, list[dict[str, Any]]]):
    _, text, asked = whole
    assert len(asked) == DEV + TEST
    assert text.count('"kind": "text"') == DEV + TEST


def test_it_ends_in_a_verdict_without_the_parts_that_need_distributions(whole: tuple[Path, str, Any], findings: Findings):
    with Reader(comparison().folder(whole[0])) as reader:
        assert list(reader.stages()) == ["dev", "test"]
    assert findings.effects[0].effect is not None
    assert findings.headline.split(":")[0] in {"No difference detected", "EDT helps here", "EDT hurts here"}
    assert {row.role for row in findings.rows} == {"greedy", "fixed", "candidate", "baseline", "chosen", "tuned"}
    assert (findings.ablations, findings.forced, findings.entropies, findings.temperatures) == ((), (), (), ())
    assert not any({"temperature", "entropy"} & row.values.keys() for row in findings.rows)
    assert not {"temperature", "entropy", "forced"} & findings.signatures.keys()
    assert len(findings.lengths) == 2
    assert findings.notes.count(UNSEEN) == 1
    assert len(findings.notes) == 1


def test_the_page_leaves_them_out_and_says_once_why(findings: Findings):
    tree = parse(page(findings))
    text = tree.by_id("verdict").text
    assert text.count("the engine shows texts alone") == 1
    assert [figure.attributes["id"] for figure in tree.find("figure")] == [
        "chart-quality",
        "chart-effects",
        "chart-paired",
        "chart-best-of",
        "chart-lengths",
    ]
    assert not tree.find("section", id="forced")
    assert not [a for a in tree.find("a") if a.attributes["href"] == "#forced"]
    assert "Ablations" not in tree.by_id("baseline").text
    assert not tree.find("p", **{"class": "none"})


def test_examples_are_whole_texts_without_colours(whole: tuple[Path, str, Any], findings: Findings):
    assert [contrast.why for contrast in findings.contrasts] == ["largest gain", "largest loss", "median"]
    with Reader(comparison().folder(whole[0])) as reader:
        kept = {g.text for g in reader.generations("test")}
    examples = parse(page(findings)).by_id("examples")
    texts = [p.text for p in examples.find("p", **{"class": "tokens"})]
    assert len(texts) == 3 * 2 * 2
    assert set(texts) <= kept
    assert not examples.find("p", **{"class": "ramp"})
    assert "coloured" not in examples.text
    assert not [p for p in examples.find("p", **{"class": "tokens"}) if "Arrow keys" in (p.attributes["aria-label"] or "")]


def test_the_terminal_s_table_has_no_column_of_what_is_not_known(findings: Findings):
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    console.print(render(findings))
    text = console.export_text()
    (head,) = [line for line in text.splitlines() if line.startswith("on test")]
    assert head.split()[-2:] == ["len", "cut"] or "T" not in head.split()
    assert "T, H: realised" not in text
    assert " ".join(text.split()).count("the engine shows texts alone") == 1
    assert as_json(findings)["forced"] == []


def test_failures_on_the_way_change_nothing(tmp_path: Path, whole: tuple[Path, str, Any]):
    faults = [429, "reset", 500, 503]
    with serving(fault=lambda number, body: faults[number // 5 % 4] if number % 5 == 4 else None) as served:
        assert compared(served.url, tmp_path) == whole[1]
    assert served.answered == DEV + TEST, "no text was written twice"
    assert len(served.texts) > DEV + TEST


@pytest.fixture(scope="module")
def runs() -> Iterator[subprocess.Popen[str]]:
    """A process that begins comparisons in processes of their own."""
    command = [sys.executable, openai_run.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def ended(runs: subprocess.Popen[str], url: str, out: Path, reached: Event, by: signal.Signals) -> int:
    """The exit status of a comparison that gets this signal once the event has come."""
    assert runs.stdin is not None
    assert runs.stdout is not None
    print(url, out, file=runs.stdin, flush=True)
    child = int(runs.stdout.readline())
    assert reached.wait(60)
    os.kill(child, by)
    return int(runs.stdout.readline())


def done(out: Path) -> dict[str, list[int]]:
    with Reader(comparison().folder(out)) as reader:
        return {stage: reader.done(stage) for stage in reader.stages()}


def stuck(at: int) -> tuple[Event, Any]:
    """A server's fault from the call of this number on: it does not answer any more, and an event that tells so."""
    reached = Event()

    def fault(number: int, body: dict[str, Any]) -> str | None:
        if number < at:
            return None
        reached.set()
        return "silence"

    return reached, fault


@pytest.mark.parametrize("at", [20, DEV + 30])
def test_killed_in_the_middle_it_goes_on_to_the_same_texts(runs: Any, tmp_path: Path, whole: tuple[Path, str, Any], at: int):
    reached, fault = stuck(at)
    with serving(fault=fault) as served:
        assert ended(runs, served.url, tmp_path, reached, signal.SIGKILL) == -signal.SIGKILL
    kept = done(tmp_path)
    with serving() as served:
        assert compared(served.url, tmp_path) == whole[1]
    left = DEV + TEST - 14 * len(kept["dev"]) - 12 * len(kept.get("test", []))
    assert len(served.texts) == left
    assert at < DEV or left <= TEST


def test_an_interrupt_ends_at_once_and_keeps_what_is_finished(runs: Any, tmp_path: Path, whole: tuple[Path, str, Any]):
    reached, fault = stuck(DEV + 30)
    with serving(fault=fault) as served:
        assert ended(runs, served.url, tmp_path, reached, signal.SIGINT) == 130, "while the server is silent: its time is ten minutes"
    assert len(done(tmp_path)["dev"]) == 3
    with serving() as served:
        assert compared(served.url, tmp_path) == whole[1]


def test_a_server_that_dies_costs_what_it_had_not_finished(tmp_path: Path, whole: tuple[Path, str, Any]):
    failing = serving(fault=lambda number, body: 500 if body["prompt"] == "prompt 3" else None)
    told = r"gave no text \(tries: 2\), the last time: as ordered"
    with failing as served, pytest.raises(ConnectionError, match=told):
        compared(served.url, tmp_path, retries=1, concurrency=1)
    assert done(tmp_path) == {"dev": [0, 1, 2], "test": [0, 1, 2]}
    warned: list[str] = []
    with serving() as other:
        assert compared(other.url, tmp_path, warn=warned.append) == whole[1]
    assert Counter(body["prompt"] for body in other.texts) == {"prompt 3": 12, "prompt 4": 12}
    (line,) = warned
    assert f"base_url {served.url} -> {other.url}" in line


def test_without_our_plug_in_it_is_refused_before_the_first_text(tmp_path: Path):
    told = r"^example dev0: policy edt: the server at .* does not run the edt-sampling plug-in"
    with serving(plugin=False) as served, pytest.raises(ValueError, match=told):
        compared(served.url, tmp_path)
    assert served.texts == []


def test_what_the_server_refuses_of_a_prompt_names_the_example(tmp_path: Path):
    refusing = serving(fault=lambda number, body: 400 if body["prompt"] == "prompt 1" else None)
    told = r"^example dev1: the server at .* refuses the request \(400\): as ordered$"
    with refusing as served, pytest.raises(ValueError, match=told):
        compared(served.url, tmp_path)
    assert 1 not in done(tmp_path)["dev"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six examples of one's own, two of dev and four of test."""
    lines = [{"prompt": f"prompt {i}", "references": [REFERENCE], "split": "dev" if i < 2 else "test"} for i in range(6)]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


POLICIES = [f"--policy={spec}" for spec in ("fixed:temperature=0.3", "fixed:temperature=1", "edt:t0=0.8,theta=0.2")]


def test_the_command_ends_in_a_page_and_report_draws_it_again(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]):
    with serving() as served:
        where = ["--engine=openai", f"--base-url={served.url}", f"--model={MODEL}", f"--data={data}", f"--out={tmp_path}"]
        assert main(["compare", *where, *POLICIES, "--samples=2", "--metrics=bleu,self_bleu"]) == 0
    capsys.readouterr()
    (run,) = tmp_path.glob("mine-*")
    drawn = (run / "report.html").read_bytes()
    assert main(["report", str(run), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_bytes() == drawn
    assert UNSEEN in drawn.decode()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sweep"], "engine openai sees texts alone, and edt sweep maps realised temperatures: load the model itself"),
        (["scale", f"--model={MODEL}", *POLICIES], "engine openai sees texts alone, and edt scale teacher-forces the references"),
    ],
    ids=["sweep", "scale"],
)
def test_commands_that_need_distributions_are_refused(command: list[str], told: str, tmp_path: Path, data: Path, capsys: Any):
    with serving() as served:
        where = ["--engine=openai", f"--base-url={served.url}", f"--model={MODEL}", f"--data={data}", f"--out={tmp_path}"]
        assert main([*command, *where]) == 2
    assert told in capsys.readouterr().err
    assert served.texts == []
