"""The processor by direct calls: rows and slots, what it leaves alone, what it refuses, and that the host never waits."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import oracle
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext

from edt_sampling.conformance.vllm import v1_steps, v2_steps
from edt_sampling.engines.vllm import EDTLogitsProcessor
from edt_sampling.policies import policy

SPECS = ["edt:theta=0.2", "edt:t0=1.2,theta=1", "dynatemp:low=0.3,high=1.1", "udt-margin:t0=0.9,theta=0.3", "udt-varentropy:theta=0.4"]
VOCAB = 500


def logits(rows, seed=3):
    return (np.random.default_rng(seed).standard_normal((rows, VOCAB)) * np.linspace(0.5, 6, rows)[:, None]).astype(np.float32)


def asked(spec=None, temperature=0.9, **named):
    return SamplingParams(temperature=temperature, extra_args=None if spec is None else {"edt": spec}, **named)


def v1():
    return EDTLogitsProcessor(object(), torch.device("cpu"), False)


def v2(slots=16):
    return EDTLogitsProcessor(object(), SimpleNamespace(max_num_reqs=slots, device=torch.device("cpu")))


def update(batch_size, *, added=(), removed=(), moved=()):
    return BatchUpdate(batch_size=batch_size, removed=list(removed), added=[(i, p, None, []) for i, p in added], moved=list(moved))


def context(slots):
    """The rows of a step of the V2 runner: ``slots`` names each row's slot."""
    held = torch.tensor(slots, dtype=torch.int32)
    once = np.array(sorted(set(slots)))
    none = torch.zeros_like(held)
    return LogitsContext(
        expanded_idx_mapping=held,
        idx_mapping=torch.tensor(once, dtype=torch.int32),
        idx_mapping_np=once,
        expanded_local_pos=none,
        input_ids=none,
        pos=none,
        seq_lens_upper_bound_np=np.ones_like(once),
    )


@pytest.mark.parametrize("steps", [v1_steps, v2_steps])
@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_behind_the_runners_own_steps_rows_have_the_oracles_probabilities(steps, top_p):
    rows = logits(len(SPECS) + 1)
    params = [asked(spec, temperature=0.4 + 0.2 * i, top_p=top_p) for i, spec in enumerate([*SPECS, None])]
    found = steps(torch.from_numpy(rows.copy()), params).double().softmax(-1).numpy()
    for row, own, got in zip(rows, params, found, strict=True):
        chosen = oracle.asked_policy({"temperature": own.temperature, "extra_args": own.extra_args})
        assert got == pytest.approx(oracle.probabilities(row[None], chosen, top_p=top_p)[0], abs=2e-6)


@pytest.mark.parametrize("steps", [v1_steps, v2_steps])
def test_a_t0_in_the_spec_wins_over_the_requests_temperature(steps):
    rows = logits(2)
    found = steps(torch.from_numpy(rows), [asked("edt:t0=0.5,theta=0.1", temperature=t) for t in (0.3, 1.7)])
    expected = oracle.probabilities(logits(2), policy("edt:t0=0.5,theta=0.1"))
    assert found.double().softmax(-1).numpy() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("steps", [v1_steps, v2_steps])
def test_a_policy_at_temperature_0_leaves_the_best_token_alone(steps):
    rows = logits(2)
    rows[1, [4, 9]] = 50  # a tie goes to the lower index
    found = steps(torch.from_numpy(rows.copy()), [asked("fixed:temperature=0"), asked("edt:t0=0,theta=1")]).softmax(-1).numpy()
    assert found.argmax(-1).tolist() == [rows[0].argmax(), 4]
    assert found.max(-1).tolist() == [1, 1]


def test_rows_without_a_policy_keep_every_bit():
    rows = torch.from_numpy(logits(4))
    rows[1, 5:] = -math.inf
    rows[2, 3] = math.nan
    before = rows.clone()
    first, second = v1(), v2()
    first.update_state(update(4, added=[(0, asked(SPECS[0])), (1, asked()), (2, asked()), (3, asked(SPECS[1], temperature=0))]))
    second.add_request(7, asked(SPECS[0]))
    assert not second.add_request(8, asked())
    assert not second.add_request(9, asked(SPECS[1], temperature=0))
    second.apply_staged_writes()
    for found in (first.apply(rows.clone()), second.apply(rows.clone(), context([7, 8, 8, 9]))):
        assert torch.equal(found[1:].view(torch.int32), before[1:].view(torch.int32))
        assert not torch.equal(found[0], before[0])


def test_masked_tokens_stay_masked_and_count_for_nothing():
    rows = logits(1)
    rows[:, ::2] = -np.inf  # a grammar's mask
    found = v2_steps(torch.from_numpy(rows.copy()), [asked("edt:t0=0.9,theta=1")]).double().softmax(-1).numpy()
    assert (found[:, ::2] == 0).all()
    assert found == pytest.approx(oracle.probabilities(rows, policy("edt:t0=0.9,theta=1")), abs=2e-6)


def test_without_a_policy_in_the_batch_nothing_is_done():
    first, second, rows = v1(), v2(), torch.from_numpy(logits(2))
    first.update_state(update(2, added=[(0, asked()), (1, asked())]))
    second.add_request(3, asked(SPECS[0]))  # a request of another step
    second.apply_staged_writes()
    others = context([1, 2])
    with Refusing(lambda _: True):
        assert first.apply(rows) is rows
        assert second.apply(rows, others) is rows


def test_several_rows_of_one_request_each_get_their_own_temperature():
    processor, rows = v2(), logits(5)
    processor.add_request(11, asked("edt:theta=0.5", temperature=0.8))
    processor.add_request(2, asked("edt:t0=1.3,theta=0.2", temperature=0.8))
    processor.apply_staged_writes()
    found = processor.apply(torch.from_numpy(rows.copy()), context([11, 11, 2, 11, 2])).double() / 0.8
    for chosen, own in (("edt:t0=0.8,theta=0.5", [0, 1, 3]), ("edt:t0=1.3,theta=0.2", [2, 4])):
        assert found.softmax(-1).numpy()[own] == pytest.approx(oracle.probabilities(rows[own], policy(chosen)), abs=2e-6)


def test_a_slot_forgets_the_request_before():
    processor, rows = v2(), torch.from_numpy(logits(1))
    for params in (asked(SPECS[0]), asked()):
        processor.add_request(4, params)
        processor.apply_staged_writes()
    assert processor.apply(rows, context([4])) is rows


def test_rows_follow_whatever_the_v1_runner_adds_removes_moves_and_swaps():
    draw, processor, held, calls = np.random.default_rng(11), v1(), [], 0
    for step in range(60):
        removed = sorted(draw.choice(len(held), size=min(len(held), int(draw.integers(0, 3))), replace=False).tolist(), reverse=True)
        moved = []
        for row in removed:  # as vLLM condenses a batch: the last request takes the empty row
            if row != len(held) - 1:
                moved.append((len(held) - 1, row, MoveDirectionality.UNIDIRECTIONAL))
                held[row] = held[-1]
            held.pop()
        removed_at = [] if not removed else [len(held) + i for i in range(len(removed)) if not moved]
        if len(held) > 1 and step % 3 == 0:
            one, other = (int(x) for x in draw.choice(len(held), size=2, replace=False))
            moved.append((one, other, MoveDirectionality.SWAP))
            held[one], held[other] = held[other], held[one]
        processor.update_state(update(len(held), removed=removed_at, moved=moved))
        added = [(len(held) + i, int(draw.integers(0, len(SPECS) + 1))) for i in range(int(draw.integers(0, 3)))]
        held += [which for _, which in added]
        processor.update_state(update(len(held), added=[(row, asked(([*SPECS, None])[which])) for row, which in added]))
        if not held:
            continue
        rows = logits(len(held), seed=step)
        found = processor.apply(torch.from_numpy(rows.copy()) / np.float32(0.9)).double().softmax(-1).numpy()
        for row, which, got in zip(rows, held, found, strict=True):
            chosen = oracle.asked_policy({"temperature": 0.9, "extra_args": asked(([*SPECS, None])[which]).extra_args})
            assert got == pytest.approx(oracle.probabilities(row[None], chosen)[0], abs=2e-6)
        calls += 1
    assert calls > 40


class Refusing(TorchDispatchMode):
    """Raises at operations that would make the host wait for a GPU, or copy to it from memory that is not pinned."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "equal", "item", "is_nonzero", "unique")

    def __init__(self, refuses):
        super().__init__()
        self.refuses = refuses

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert not self.refuses(name), f"aten::{name}"
        return func(*args, **(kwargs or {}))


def test_the_host_never_waits(monkeypatch):
    """On a device: what a CPU's fast path does is taken out of the way."""
    monkeypatch.setenv("EDT_SAMPLING_FAST", "0")
    first, second = v1(), v2()
    everything = [(row, asked(spec)) for row, spec in enumerate([*SPECS, None])]
    first.update_state(update(6, added=everything))
    for slot, params in everything:
        second.add_request(slot, params)
    second.apply_staged_writes()
    rows, ctx = torch.from_numpy(logits(6)), context(range(6))
    with Refusing(lambda name: name in Refusing.WAITING):
        first.apply(rows.clone())
        second.apply(rows.clone(), ctx)
    with pytest.raises(AssertionError, match="_local_scalar_dense"), Refusing(lambda name: name in Refusing.WAITING):
        rows.max().item()


def test_a_second_processor_of_one_engine_does_nothing_and_says_so(caplog):
    config, rows = object(), torch.from_numpy(logits(1))
    first = EDTLogitsProcessor(config, torch.device("cpu"), False)
    with caplog.at_level("WARNING", logger="vllm.edt_sampling"):
        second = EDTLogitsProcessor(config, torch.device("cpu"), False)
    assert "loaded twice" in caplog.text
    for processor in (first, second):
        processor.update_state(update(1, added=[(0, asked(SPECS[0]))]))
    assert second.apply(rows) is rows
    before = rows.clone()
    assert not torch.equal(first.apply(rows), before)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"edt": "edt:theta=-1"}, "theta must be a finite number >= 0, got -1"),
        ({"edt": "edt"}, "needs theta"),
        ({"edt": "warmth:t=1"}, "warmth"),
        ({"edt": 3}, "must be a spec string"),
        ({"edt_theta": "0.2"}, "edt_theta must be a number >= 0, got '0.2'"),
        ({"edt_temperature": 1}, "unknown field 'edt_temperature'"),
        ({"edt": "edt:theta=1", "edt_theta": 1}, "give one of them"),
        ({"edt": "instance-edt:theta=1"}, "needs first_entropy, which the vLLM plug-in does not keep"),
        ({"edt": "scheduled"}, "needs scheduled, which the vLLM plug-in does not keep"),
    ],
)
def test_bad_fields_are_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as refused:
        EDTLogitsProcessor.validate_params(SamplingParams(extra_args=fields))
    assert "\n" not in str(refused.value)


def test_other_plug_ins_fields_are_none_of_ours():
    EDTLogitsProcessor.validate_params(SamplingParams(extra_args={"target_token": 3, "medt": "x"}))
    EDTLogitsProcessor.validate_params(SamplingParams(extra_args=None))
