"""edt harness, and the harness's own command line with our model type, on a local task."""

import functools
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import lm_eval.tasks
import numpy as np
import pytest
from harness_task import CONTEXTS, QUESTIONS, write_task
from lm_eval.api.instance import Instance

from edt_sampling.cli import main
from edt_sampling.harness import passes
from edt_sampling.harness.model import EdtLM
from edt_sampling.harness.passes import Asked, Bench, task_manager

FIXED, EDT, GREEDY = "fixed:temperature=0.7", "edt:t0=1,theta=0.2", "fixed:temperature=0"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, model: EdtLM) -> None:
    """The model is loaded once, and the harness's shipped tasks, thousands, are not looked through."""
    monkeypatch.setattr("edt_sampling.harness.model.EdtLM", lambda source, **options: model)
    monkeypatch.setattr(passes, "TaskManager", lambda *, include_path, include_defaults: _local(include_path))


def _local(include_path: str | None) -> Any:
    return lm_eval.tasks.TaskManager(include_path=include_path, include_defaults=False)


def command(tasks: Path, out: Path, *more: str) -> list[str]:
    return ["harness", "--tasks", "local_summaries", "--include-path", str(tasks), "--out", str(out), *more]


def policies(*specs: str) -> list[str]:
    return [part for spec in specs for part in ("--policy", spec)]


def test_policies_answer_the_same_documents_and_are_kept(tasks: Path, tmp_path: Path, model: EdtLM, monkeypatch: Any, capsys: Any):
    out = tmp_path / "runs"
    asked = command(tasks, out, *policies(EDT, GREEDY), "--repeats", "2", "--limit", "4")
    assert main(asked) == 0
    told = capsys.readouterr()
    (folder,) = out.iterdir()
    assert "pass 4 of 4: fixed:temperature=0, seed 0" in told.err
    assert "local_summaries exact_match,none  4 documents, 2 texts each" in told.out
    written = json.loads((folder / "scores.json").read_text())
    assert (written["model"], written["limit"], written["lm_eval"]) == (model.fingerprint, 4, lm_eval.__version__)
    for score in written["scores"]:
        found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{score['policy'].replace(':', '-')}-*.json"))]
        right = [[_hit(text, i) for i, (text,) in enumerate(one["texts"]["local_summaries"])] for one in found]
        assert len(found) == 2
        assert score["mean"] == pytest.approx(np.mean(right))
    greedy = [json.loads((folder / f"fixed-temperature=0-seed0-repeat{k}.json").read_text())["texts"] for k in (0, 1)]
    hot = [json.loads((folder / f"edt-t0=1,theta=0.2-seed0-repeat{k}.json").read_text())["texts"] for k in (0, 1)]
    assert greedy[0] == greedy[1]
    assert hot[0] != hot[1]

    monkeypatch.setattr(model, "generate_until", lambda *a, **k: pytest.fail("it was asked again"))
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == written


def _hit(text: str, document: int) -> bool:
    """exact_match by hand: the target, without case, leading blank and punctuation aside."""
    return text.removeprefix(" ").lower() == list(QUESTIONS.values())[document].lower()


def test_a_task_that_repeats_itself_gets_samples_of_its_own(tmp_path: Path, model: EdtLM):
    write_task(tmp_path, repeats=3)
    asked = Asked(tasks=("local_summaries",), limit=2, include_path=str(tmp_path))
    bench = Bench(model, asked, task_manager(asked), tmp_path / "runs")
    (found,) = bench.run([EDT], seeds=[0], repeats=1)
    assert [len(texts) for texts in found.texts["local_summaries"]] == [3, 3]
    assert len({text for texts in found.texts["local_summaries"] for text in texts}) > 2
    assert len(found.values["local_summaries"]["exact_match,none"]) == 2, "the harness's own filter keeps the first"
    once = Asked(tasks=("local_summaries",), limit=2, include_path=str(write_task(tmp_path)))
    (single,) = Bench(model, once, task_manager(once), tmp_path / "runs").run([EDT], seeds=[0], repeats=1)
    assert [texts[:1] for texts in found.texts["local_summaries"]] == single.texts["local_summaries"]


def test_examples_before_a_document_are_the_same_in_every_pass(tmp_path: Path, model: EdtLM, monkeypatch: pytest.MonkeyPatch):
    seen: list[list[str]] = []

    def note(requests: Any, disable_tqdm: bool = False) -> list[str]:
        seen.append([request.args[0] for request in requests])
        return ["x"] * len(requests)

    monkeypatch.setattr(model, "generate_until", note)
    asked = Asked(tasks=("local_summaries",), limit=3, num_fewshot=2, include_path=str(write_task(tmp_path)))
    bench = Bench(model, asked, task_manager(asked), tmp_path / "runs")
    assert len(list(bench.run([EDT, FIXED], seeds=[0], repeats=1))) == 2
    assert seen[0] == seen[1]
    assert all(context.count("One-line summary:") == 3 for context in seen[0])


def test_a_folder_is_named_by_what_decides_the_answers(tmp_path: Path, model: EdtLM):
    def folder(limit: int | None = None, filters: str = "temperature,top_p=0.95") -> Path:
        asked = Asked(tasks=("local_summaries",), limit=limit, filters=filters, include_path=str(tmp_path))
        return Bench(model, asked, task_manager(asked), tmp_path).folder

    write_task(tmp_path)
    first = folder()
    assert folder() == first
    assert folder(filters="temperature, top_p=0.95") == first
    others = {folder(limit=3), folder(filters="temperature")}
    write_task(tmp_path, repeats=2)
    assert len(others | {first, folder()}) == 4


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (policies(EDT), "must hold a fixed temperature and another policy"),
        (policies(EDT, "etd:t0=1"), "unknown policy 'etd'"),
        (policies("kl-guided:t0=1,bandwidth=1", FIXED), "kl-guided"),
        ([*policies(EDT, FIXED), "--tasks", "nothing_like_it"], "unknown task 'nothing_like_it'"),
        ([*policies(EDT, FIXED), "--seeds", "0,x"], "expected whole numbers split by commas"),
        ([*policies(EDT, FIXED), "--filters", "top_p=2"], "top_p must be"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_generated(more: list[str], told: str, tasks: Path, tmp_path: Path, capsys: Any):
    assert main(command(tasks, tmp_path / "runs", *more)) == 2
    err = capsys.readouterr().err
    assert told in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("edt: ")
    assert not (tmp_path / "runs").exists()


def test_a_task_in_which_nothing_is_generated_is_refused(tasks: Path, tmp_path: Path, capsys: Any):
    text = (tasks / "local.yaml").read_text().replace("generate_until", "loglikelihood")
    (tasks / "local.yaml").write_text(text.partition("metric_list")[0] + "metric_list:\n  - metric: acc\n")
    assert main(command(tasks, tmp_path / "runs", *policies(EDT, FIXED))) == 2
    assert "task local_summaries must generate text, its output is loglikelihood" in capsys.readouterr().err


def test_the_harness_own_command_line_knows_the_model_type(tasks: Path, model: EdtLM, monkeypatch: Any, capsys: Any):
    """As ``python -m edt_sampling.harness``."""
    init = lm_eval.tasks.TaskManager.__init__
    monkeypatch.setattr(lm_eval.tasks.TaskManager, "__init__", functools.partialmethod(init, include_defaults=False))
    monkeypatch.setattr("lm_eval.evaluator.get_git_commit_hash", lambda: None)
    monkeypatch.setattr("lm_eval.evaluator.add_env_info", lambda results: None)
    found: list[Any] = []
    generate = EdtLM.generate_until
    monkeypatch.setattr(EdtLM, "generate_until", lambda self, *a, **k: found.append((self, generate(self, *a, **k))) or found[-1][1])
    given = ["run", "--model", "edt", "--model_args", "pretrained=bundled", f'policy="{EDT}"', "seed=3", "--batch_size", "3"]
    monkeypatch.setattr(sys, "argv", ["lm_eval", *given, "--tasks", "local_summaries", "--include_path", str(tasks), "--limit", "3"])
    runpy.run_module("edt_sampling.harness", run_name="__main__")
    out = capsys.readouterr().out
    assert "exact_match" in out
    assert f"'policy': '{EDT}'" in out
    ((own, texts),) = found
    assert own.model.dtype == model.model.dtype
    model.draw_with(EDT, filters="temperature,top_p=0.95", seed=3)
    requests = [Instance("generate_until", {}, (c, {"until": ["\n", "."], "max_gen_toks": 12}), 0) for c in CONTEXTS[:3]]
    assert texts == generate(model, requests, disable_tqdm=True)
