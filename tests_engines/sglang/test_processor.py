"""The processor through SGLang's own classes and its own function that applies one, held against the oracle."""

from __future__ import annotations

import ast
import logging
import sys
from http import HTTPStatus
from importlib.metadata import distribution
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor
from sglang.srt.sampling.sampling_batch_info import SamplingBatchInfo
from sglang.srt.sampling.sampling_params import SamplingParams

from edt_sampling.conformance.check import conformance
from edt_sampling.conformance.golden import golden
from edt_sampling.conformance.sglang import SGLangSubject
from edt_sampling.engines.sglang import EDTLogitProcessor
from edt_sampling.policies import policy
from edt_sampling.sampling import reference

VOCAB = 300


def logits(rows, seed=2):
    return (np.random.default_rng(seed).standard_normal((rows, VOCAB)) * np.linspace(0.5, 6, rows)[:, None]).astype(np.float32)


def request(fields=None, *, temperature=0.8, **named):
    """What SGLang's ``Req`` is to a processor: its sampling parameters, normalised, with the request itself in ``custom_params``."""
    asked = SimpleNamespace(to_finish=None, sampling_params=SamplingParams(temperature=temperature, custom_params=fields, **named))
    asked.sampling_params.normalize(None)
    if fields is not None:
        asked.sampling_params.custom_params = fields | {"__req__": asked}
    return asked


def sglangs(path, name, **given):
    """One function or class of a module of SGLang that cannot be imported without its kernels, from that module's own text."""
    tree = ast.parse(distribution("sglang").locate_file(path).read_text(encoding="utf-8"))
    node = next(n for n in tree.body if getattr(n, "name", None) == name)
    space = {"torch": torch, "logger": logging.getLogger("sglang"), "SamplingBatchInfo": SamplingBatchInfo} | given
    exec(compile(ast.Module([node], []), path, "exec"), space)
    return space[name]


def applied(rows, requests, *, tokens=1, named=None):
    """``rows`` as SGLang's sampler passes them to the processor, for the requests that name it, ``tokens`` rows each."""
    mask = torch.tensor([True] * len(requests) if named is None else named)
    ones = torch.ones(len(requests))
    info = SamplingBatchInfo(
        temperatures=torch.tensor([[asked.sampling_params.temperature] for asked in requests]),
        top_ps=ones,
        top_ks=ones.int(),
        min_ps=ones,
        is_all_greedy=False,
        is_any_greedy=False,
        need_top_p_sampling=False,
        need_top_k_sampling=False,
        need_min_p_sampling=False,
        vocab_size=VOCAB,
        has_custom_logit_processor=True,
        custom_params=[asked.sampling_params.custom_params for asked in requests],
        custom_logit_processor={0: (CustomLogitProcessor.from_str(EDTLogitProcessor.to_str()), mask)},
        device="cpu",
    )
    found = torch.from_numpy(rows.copy())
    sglangs("sglang/srt/layers/sampler.py", "apply_custom_logit_processor")(found, info, tokens)
    return found


def expected(row, spec):
    mixture = reference.mixture([policy(spec)])
    t = reference.temperature(row[None], mixture)[0]
    weights = np.exp((row.astype(np.float64) - row.max()) / t)
    return weights / weights.sum()


def test_behind_sglangs_own_temperature_each_row_has_its_policys_probabilities():
    asked = [
        request({"edt": "edt:theta=0.4"}, temperature=0.8),
        request({"edt_theta": 1.0}, temperature=1.4),
        request({"edt": "edt:t0=0.6,theta=0.2"}, temperature=1.4),
    ]
    rows = logits(3)
    found = applied(rows, asked).double() / torch.tensor([[r.sampling_params.temperature] for r in asked])
    for row, got, spec in zip(rows, found, ["edt:t0=0.8,theta=0.4", "edt:t0=1.4,theta=1", "edt:t0=0.6,theta=0.2"], strict=True):
        assert got.softmax(-1).numpy() == pytest.approx(expected(row, spec), abs=2e-6)


def test_drafted_tokens_have_a_row_each():
    asked, rows = [request({"edt_theta": 0.5}), request({"edt": "edt:t0=0.5,theta=1"})], logits(6)
    found = applied(rows, asked, tokens=3).double() / 0.8
    for number, (row, got) in enumerate(zip(rows, found, strict=True)):
        spec = "edt:t0=0.8,theta=0.5" if number < 3 else "edt:t0=0.5,theta=1"
        assert got.softmax(-1).numpy() == pytest.approx(expected(row, spec), abs=2e-6)


def test_rows_that_ask_for_nothing_or_are_greedy_keep_every_bit():
    greedy = request({"edt_theta": 1.0}, temperature=0)
    assert greedy.sampling_params.temperature == 1  # SGLang says greedy by top_k = 1
    asked, rows = [request({"edt_theta": 1.0}), request(), request({"other": 3}), greedy, request({"edt_theta": 1.0})], logits(5)
    found = applied(rows, asked, named=[True, True, True, True, False]).numpy()
    assert (found[1:] == rows[1:]).all()
    assert (found[0] != rows[0]).any()


def test_called_twice_a_step_it_does_the_same_twice():
    asked, rows = [request({"edt_theta": 0.5})], logits(1)
    assert torch.equal(applied(rows, asked), applied(rows, asked))


def test_a_policy_at_temperature_0_leaves_the_best_token_alone():
    rows = logits(1)
    assert (applied(rows, [request({"edt": "fixed:temperature=0"})]) > -torch.inf).nonzero().tolist() == [[0, int(rows.argmax())]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"edt": "edt:theta=-1"}, "theta must be a finite number >= 0"),
        ({"edt": ["edt:theta=1"]}, "edt must be a spec string"),
        ({"edt_theta": True}, "edt_theta must be a number"),
        ({"edt": "edt:theta=1", "edt_theta": 1}, "give one of them"),
        ({"edt": "scheduled"}, "needs scheduled, which the SGLang plug-in does not keep"),
    ],
)
def test_bad_fields_end_the_request_with_status_400_and_touch_nothing(fields, message, monkeypatch):
    ending = ModuleType("sglang.srt.managers.schedule_batch")
    ending.FINISH_ABORT = sglangs("sglang/srt/managers/schedule_batch.py", "FINISH_ABORT", BaseFinishReason=object)
    monkeypatch.setitem(sys.modules, "sglang.srt.managers", ModuleType("sglang.srt.managers"))
    monkeypatch.setitem(sys.modules, ending.__name__, ending)
    wrong, right, rows = request(fields), request({"edt_theta": 1.0}), logits(2)
    found = applied(rows, [wrong, right]).numpy()
    told = wrong.to_finish.to_json()
    assert (told["type"], told["status_code"]) == ("abort", HTTPStatus.BAD_REQUEST)
    assert message in told["message"]
    assert (found[0] == rows[0]).all()
    assert right.to_finish is None
    assert found[1] != pytest.approx(rows[1])


def test_its_string_names_the_class_and_reads_back():
    text = EDTLogitProcessor.to_str()
    assert len(text) < 300
    assert b"edt_sampling.engines.sglang.processor" in bytes.fromhex(__import__("json").loads(text)["callable"])
    assert type(CustomLogitProcessor.from_str(text)) is EDTLogitProcessor


def test_the_golden_logits_conform():
    findings = list(conformance(SGLangSubject(), golden()))
    assert [f.check for f in findings if f.verdict == "FAIL"] == []
    assert findings[-1].verdict == "not run"
