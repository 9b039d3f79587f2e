"""Scheduled temperatures: what a request must give, and that each row gets its own at each step."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from edt_sampling import Filters, policy
from edt_sampling.cli import main
from edt_sampling.engines.transformers import PolicyLogitsProcessor, TransformersEngine, policy_generate
from edt_sampling.engines.transformers import engine as engine_module
from edt_sampling.protocol import Completion, Request, Setting

EDT = ("edt:t0=1,theta=0.5", "edt:t0=1.3,theta=2")
STEPS = 14


def settings(*specs: str) -> tuple[Setting, ...]:
    return tuple(Setting(policy=policy(s), filters=Filters.parse("temperature,top_p=0.95")) for s in specs)


def request(*specs: str, id: int = 7, seed: int = 3, **options) -> Request:
    return Request(id=id, prompt="Return the sum of all elements.", settings=settings(*specs), seed=seed, max_new_tokens=STEPS, **options)


def schedules(completions: list[Completion], samples: int, at: dict[int, int]) -> dict[int, np.ndarray]:
    """The temperatures of each setting in ``at``, under the number it maps to; a text that ended leaves 9, which it would never need."""
    tables = {to: np.full((samples, STEPS), 9.0) for to in at.values()}
    for c in completions:
        if c.setting in at:
            tables[at[c.setting]][c.sample, : len(c.trace.tokens)] = c.trace.temperature
    return tables


def texts(completions: list[Completion], setting: int) -> list[list[int]]:
    return [c.trace.tokens.tolist() for c in completions if c.setting == setting]


@pytest.fixture
def engine(model, tokenizer) -> TransformersEngine:
    """One token in 16 ends a text: rows end at different steps, and the others are moved together."""
    model.generation_config.eos_token_id = list(range(0, 257, 16))
    return TransformersEngine(model, tokenizer)


WIDE = ("scheduled", "fixed:temperature=1", "instance-edt:t0=1,theta=1", "scheduled")
NARROW = ("scheduled", EDT[0], "scheduled")


@pytest.mark.parametrize(("specs", "samples"), [(WIDE, 6), (NARROW, 2)], ids=["wide", "narrow"])
def test_the_temperatures_of_edt_give_the_texts_of_edt(engine, specs, samples):
    """Beside other policies, under other numbers, two schedules at once."""
    (traced,) = engine.generate([request(*EDT, samples=samples)])
    last = len(specs) - 1
    (found,) = engine.generate([request(*specs, samples=samples, schedules=schedules(traced, samples, {0: last, 1: 0}))])
    assert texts(found, 0) == texts(traced, 1)
    assert texts(found, last) == texts(traced, 0)
    assert texts(traced, 0) != texts(traced, 1)
    assert (samples * len(specs) < engine_module.WIDE) == (specs is NARROW)
    assert specs is NARROW or len({len(t) for t in texts(traced, 0) + texts(traced, 1)}) > 2, "rows should end at different steps"


def test_narrow_requests_with_their_own_seeds_and_schedules(engine):
    """Four requests in one batch, each with the temperatures of its own texts."""
    plain = [request(EDT[0], id=i, seed=seed, samples=2) for i, seed in enumerate((0, 1, 0, 2))]
    traced = list(engine.generate(plain))
    mixed = [
        replace(r, settings=settings("fixed:temperature=0.5", "scheduled"), schedules=schedules(c, 2, {0: 1}))
        for r, c in zip(plain, traced, strict=True)
    ]
    for before, after in zip(traced, engine.generate(mixed), strict=True):
        assert texts(after, 1) == texts(before, 0)


def test_each_sample_has_its_own_schedule(engine):
    """A row of zeros is greedy, one of ones is not."""
    table = np.zeros((4, STEPS))
    table[2:] = 1.5
    (found,) = engine.generate([request("scheduled", "fixed:temperature=0", "fixed:temperature=1.5", samples=4, schedules={0: table})])
    scheduled, greedy, warm = (texts(found, s) for s in range(3))
    assert scheduled == greedy[:2] + warm[2:]
    assert greedy[2:] != warm[2:]


ZEROS = np.zeros((2, STEPS))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "policy scheduled of setting 1 needs schedules[1], temperatures [samples, max_new_tokens] = (2, 14)"),
        ({0: ZEROS, 1: ZEROS}, "schedules must hold settings whose policy is scheduled and no others, got setting 0"),
        ({1: ZEROS, 5: ZEROS}, "schedules must hold settings whose policy is scheduled and no others, got setting 5"),
        ({1: ZEROS.T}, "schedules[1] must be [samples, max_new_tokens] = (2, 14), got shape (14, 2)"),
        ({1: np.zeros(STEPS)}, "schedules[1] must be [samples, max_new_tokens] = (2, 14), got shape (14,)"),
        ({1: ZEROS - np.eye(2, STEPS, 3)}, "schedules[1] must hold finite temperatures >= 0, got -1.0 at [sample, token] = [0, 3]"),
        ({1: ZEROS + np.inf}, "schedules[1] must hold finite temperatures >= 0, got inf at [sample, token] = [0, 0]"),
        ({1: ZEROS * np.nan}, "schedules[1] must hold finite temperatures >= 0, got nan at [sample, token] = [0, 0]"),
    ],
)
def test_what_a_request_must_give(given, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        request("edt:t0=1,theta=1", "scheduled", samples=2, schedules=given)


def test_requests_with_schedules_compare_and_hash():
    """An array in a field would make ``==`` an error."""
    one, other = (request("scheduled", samples=2, schedules={0: ZEROS + t}) for t in (0, 1))
    assert one == other
    assert hash(one) == hash(other)
    assert replace(one, seed=4).schedules is one.schedules


def test_where_nobody_gives_temperatures_it_is_refused_by_name(llama, tokenizer):
    with pytest.raises(ValueError, match=r"^policy scheduled needs scheduled, which a logits processor does not keep$"):
        PolicyLogitsProcessor(["fixed:temperature=1", "scheduled"])
    batch = tokenizer(["Return"], return_tensors="pt")
    with pytest.raises(ValueError, match=r"^policy scheduled needs scheduled, which custom_generate does not keep$"):
        llama.generate(**batch, custom_generate=policy_generate, policy="scheduled", max_new_tokens=2)


def test_edt_generate_refuses_it_by_name(capsys):
    assert main(["generate", "Return", "--policy", "scheduled"]) == 2
    assert capsys.readouterr().err == (
        "edt: policy scheduled of setting 0 needs schedules[0], temperatures [samples, max_new_tokens] = (1, 64)\n"
    )
