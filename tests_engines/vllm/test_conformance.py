"""vLLM as a subject of conformance: given logits through the own steps of both runners, and the bundled model in the engine itself."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from edt_sampling.conformance.check import conformance
from edt_sampling.conformance.golden import golden
from edt_sampling.conformance.subject import NotPossible
from edt_sampling.conformance.vllm import VllmSubject


class Rows(VllmSubject):
    """Given logits alone: an engine in this process would bind it to one runner."""

    def open(self):
        raise NotPossible("given logits alone")


@pytest.mark.parametrize("runner", ["v1", "v2"])
def test_the_golden_logits_conform(runner):
    findings = list(conformance(Rows(runner), golden()))
    assert [f for f in findings if f.verdict == "FAIL"] == []
    assert len([f for f in findings if f.verdict == "ok"]) == len(golden().cases)


COMMAND = """
import os, sys
if os.environ.get("EDT_VLLM_CPU_SHIM"):
    import cpu_shim
    cpu_shim.plugin()
from edt_sampling.cli import main
sys.exit(main(["conformance", "--engine", "vllm", "--json"]))
"""


@pytest.mark.parametrize("runner", ["v1", "v2"])
def test_the_command_finds_that_the_engine_conforms(runner, environment):
    own = environment | {"VLLM_USE_V2_MODEL_RUNNER": "1" if runner == "v2" else "0"}
    ended = subprocess.run([sys.executable, "-c", COMMAND], env=own, capture_output=True, text=True, timeout=300, check=False)
    told = json.loads(next(line for line in ended.stdout.splitlines() if line.startswith("{")))
    assert runner.upper() in told["versions"]
    assert [finding for finding in told["findings"] if finding["verdict"] != "ok"] == []
    assert len(told["findings"]) == 17
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.parametrize("runner", ["v1", "v2"])
def test_a_wrong_temperature_would_be_found(runner, monkeypatch):
    from edt_sampling.conformance import vllm

    monkeypatch.setattr(vllm, "_params", lambda spec, _params=vllm._params, **named: _params(spec.replace("theta=", "theta=1"), **named))
    findings = list(conformance(Rows(runner), golden()))
    assert [f for f in findings if f.verdict == "FAIL"]


def test_the_environment_says_which_runner_where_the_caller_does_not(monkeypatch):
    for value, runner in (("0", "v1"), ("1", "v2")):
        monkeypatch.setenv("VLLM_USE_V2_MODEL_RUNNER", value)
        assert VllmSubject().runner == runner
    monkeypatch.delenv("VLLM_USE_V2_MODEL_RUNNER")
    assert VllmSubject().runner == "v2"


def test_rows_leave_the_given_logits_out_of_the_processor_of_others():
    logits = np.random.default_rng(0).standard_normal((2, 9)).astype(np.float32)
    found = VllmSubject("v1").rows(logits, ["fixed:temperature=0.5", "edt:t0=1,theta=0"], top_p=1.0, uniform=np.array([0.5, 0.5]))
    assert found.temperature.tolist() == [0.5, 1.0]
    assert found.tokens is None
