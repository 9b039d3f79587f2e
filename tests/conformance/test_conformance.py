"""Conformance: the vectors are the oracle's, and an engine that is wrong anywhere fails."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import edt_sampling.conformance as room
from edt_sampling.cli import main
from edt_sampling.conformance import SUBJECTS, load_subject
from edt_sampling.conformance.check import conformance
from edt_sampling.conformance.freezing import rows
from edt_sampling.conformance.golden import POLICY, golden
from edt_sampling.conformance.numpy import NumpySubject
from edt_sampling.conformance.subject import Steps

HERE = ["torch", "transformers", "mlx", "onnxruntime-genai"]
"""The engines that install beside each other; the others' are in tests_engines."""


def test_the_vectors_are_those_that_freezing_makes():
    path = next(p for p in room.__path__)
    with open(f"{path}/golden.json", encoding="utf-8") as stream:
        stored = json.load(stream)["cases"]
    made = rows()
    assert [c["name"] for c in stored] == [c["name"] for c in made]
    for was, now in zip(stored, made, strict=True):
        assert was["logits"] == now["logits"]
        assert (was["tokens"], was["uniform"], was["policies"]) == (now["tokens"], now["uniform"], now["policies"])
        np.testing.assert_allclose(was["entropy"], now["entropy"], rtol=1e-8, atol=1e-12)
        for a, b in zip(was["probabilities"], now["probabilities"], strict=True):
            assert a.keys() == b.keys()
            np.testing.assert_allclose(list(a.values()), list(b.values()), rtol=1e-7)


def test_the_vectors_hold_what_they_should():
    cases = golden().cases
    vocabularies = {case.logits.shape[1] for case in cases}
    assert len(vocabularies) > 5
    assert any(np.isneginf(case.logits).any() for case in cases)
    assert any((case.expected.temperature < 1e-4).any() for case in cases)
    assert any(len({spec.partition(":")[0] for spec in case.policies}) > 3 for case in cases), "mixed policies"
    survivors = np.concatenate([(case.expected.probabilities > 0).sum(-1) for case in cases])
    assert survivors.min() == 1
    assert survivors.max() > 50
    assert (np.abs(np.concatenate([case.expected.probabilities.sum(-1) for case in cases]) - 1) < 1e-7).all()
    entropies = np.concatenate([text.expected.entropy for text in golden().texts])
    assert (entropies < 0.5).any()
    assert (entropies > 3).any()
    assert POLICY == "edt:t0=0.6,theta=0.5"


@pytest.mark.parametrize("name", HERE)
def test_an_engine_conforms(name, capsys):
    assert main(["conformance", "--engine", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    verdicts = [finding["verdict"] for finding in told["findings"]]
    assert verdicts.count("ok") == 12 + (0 if name == "torch" else 5)


class Oracle(NumpySubject):
    """The oracle, which knows the texts too; ``wrong`` says what it gets wrong."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong

    def rows(self, logits, policies, *, top_p, uniform):
        found = answers()[policies, logits.tobytes(), top_p]
        if self.wrong == "entropy":
            return replace(found, entropy=found.entropy + 1e-4)
        if self.wrong == "temperature":
            return replace(found, temperature=found.temperature * 1.001)
        if self.wrong == "nan":
            return replace(found, entropy=found.entropy * np.nan)
        if self.wrong == "survivors":
            return replace(found, probabilities=np.maximum(found.probabilities, 2e-7))
        if self.wrong == "tokens":
            return replace(found, tokens=found.tokens[::-1] + 1)
        if self.wrong == "order":
            return super().rows(logits, policies, top_p=0.5, uniform=uniform)
        return found

    def open(self):
        pass

    def steps(self, prompt, text, policy):
        expected = next(t.expected for t in golden().texts if t.tokens == tuple(text))
        off = 1e-3 if self.wrong == "steps" else 0
        return Steps(entropy=expected.entropy + off, temperature=expected.temperature)

    def greedy(self, prompt, tokens):
        if self.wrong == "breaks":
            raise RuntimeError("out of memory\nat step 3")
        text = next(t for t in golden().greedy if t.prompt == tuple(prompt))
        return [*text.tokens[:-1], text.tokens[-1] + (self.wrong == "greedy")]


@cache
def answers():
    return {(case.policies, case.logits.tobytes(), 0.95): case.expected for case in golden().cases}


def test_the_oracle_conforms():
    findings = list(conformance(Oracle(), golden()))
    assert [f.verdict for f in findings] == ["ok"] * 17


@pytest.mark.parametrize(
    ("wrong", "failures", "told"),
    [
        ("entropy", 12, "entropy off by 1.0e-04, margin 1e-08"),
        ("temperature", 9, "temperature off by"),
        ("nan", 12, "entropy off by inf"),
        ("survivors", 10, "other tokens survive"),
        ("tokens", 12, "other tokens drawn"),
        ("order", 8, "probability off by"),
        ("steps", 4, "entropy off by 1.0e-03"),
        ("greedy", 1, "other texts: 1, 2, 3, 4, 5, 6"),
        ("breaks", 1, "RuntimeError: out of memory"),
    ],
)
def test_an_engine_that_is_wrong_fails(wrong, failures, told, monkeypatch, capsys):
    findings = list(conformance(Oracle(wrong), golden()))
    failed = [f for f in findings if f.verdict == "FAIL"]
    assert len(failed) >= failures
    assert told in failed[0].told
    monkeypatch.setattr("edt_sampling.cli.conformance.load_subject", lambda name: Oracle(wrong))
    assert main(["conformance", "--engine", "numpy"]) == 1
    assert "FAIL" in capsys.readouterr().out


def test_an_engine_that_is_not_there(monkeypatch, capsys):
    assert main(["conformance", "--engine", "vlm"]) == 2
    assert "unknown engine 'vlm'; did you mean 'vllm'?" in capsys.readouterr().err

    def missing(name):
        raise ImportError(f"engine {name} needs it: pip install 'edt-sampling[{name}]'")

    monkeypatch.setattr("edt_sampling.cli.conformance.load_subject", missing)
    assert main(["conformance", "--engine", "mlx"]) == 1
    assert "pip install 'edt-sampling[mlx]'" in capsys.readouterr().err
    assert main(["conformance"]) == 0, "what is not installed is left out, and said"
    assert capsys.readouterr().err.count("left out") == len(SUBJECTS.built_in)


def test_every_subject_says_what_it_needs():
    for name in SUBJECTS.built_in:
        try:
            subject = load_subject(name)
        except ImportError as error:
            told = str(error)
        else:
            told = ""
            assert subject.engine == name
            assert subject.versions()
        assert not told or "pip install 'edt-sampling[" in told


def test_several_engines_end_with_a_table_of_all(monkeypatch, capsys):
    monkeypatch.setattr("edt_sampling.cli.conformance.load_subject", lambda name: Oracle("steps" if name == "torch" else ""))
    assert main(["conformance", "--engine", "numpy", "--engine", "torch"]) == 1
    told = capsys.readouterr().out.partition("every engine")[2]
    assert "17 ok" in told
    assert "13 ok, 4 FAIL" in told
    assert "1e-03, 0e+00" in told, "the worst H and T over the texts"


def test_the_page_has_a_row_for_every_engine_and_all_of_them_are_green():
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = [
        line.split("|")[1:-1]
        for line in page.splitlines()
        if re.match(r"\| \S+ \d", line) or " runner |" in line or line.startswith("| mlx")
    ]
    libraries = {row[0].split()[0].removesuffix("-python") for row in rows}
    assert libraries == {"mlx-lm" if name == "mlx" else name for name in SUBJECTS.built_in}
    assert len([row for row in rows if "runner" in row[0]]) == 2
    checks = 12 + 5
    assert {row[-1].strip() for row in rows} == {f"{checks} ok", "12 ok, 1 not run"}
