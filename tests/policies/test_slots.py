"""Slots, held against a dictionary, and their rows against the policies one by one."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from edt_sampling.policies import policy
from edt_sampling.policies.slots import KIND, OWN, SlotRows, Slots

SPECS = ["edt:t0=0.8,theta=0.2", "fixed:temperature=0.7", "dynatemp:low=0.2,high=1.2", "udt:t0=1,theta=0.3", "edt:t0=1.1,theta=2,base=0.5"]
ENTROPY, PROBABILITY = 1.3, 0.6


def statistics(rows):
    one = np.ones(rows)
    return SimpleNamespace(entropy=ENTROPY * one, max_probability=PROBABILITY * one, support=9 * one)


def alone(spec):
    """A policy's temperature by its own formula."""
    found = policy(spec)
    return float(found.formula(statistics(1), SimpleNamespace(**{k: np.array([v]) for k, v in vars(found).items()}), np)[0])


def temperatures(slots, where):
    with np.errstate(all="ignore"):  # a formula that is not a row's own may divide by what it does not have
        rows = rows_of(slots, where)
        return np.broadcast_to(rows.temperature(statistics(len(where))), len(where)), rows


def rows_of(slots, where):
    return SlotRows(slots.kinds(where), slots.table[:, where], xp=np)


def test_slots_follow_whatever_is_put_moved_and_swapped():
    draw = np.random.default_rng(5)
    slots, expected = Slots(2), {}
    for _ in range(400):
        one, other = (int(x) for x in draw.integers(0, 12, 2))
        match draw.integers(4):
            case 0:
                expected[one] = (SPECS[draw.integers(len(SPECS))], round(float(draw.uniform(0.1, 2)), 3))
                slots.put(one, policy(expected[one][0]), temperature=expected[one][1])
            case 1:
                expected.pop(one, None)
                slots.put(one, None)
            case 2:
                held = {other: expected.pop(one)} if one in expected else {}
                expected.pop(other, None)
                expected |= held
                slots.move(one, other)
            case 3:
                held = {b: expected.pop(a) for a, b in ((one, other), (other, one)) if a in expected}
                expected |= held
                slots.swap(one, other)
        where = draw.integers(0, slots.table.shape[1], 7)
        found, rows = temperatures(slots, where)
        assert found == pytest.approx([alone(expected[s][0]) if s in expected else math.nan for s in where], nan_ok=True, rel=1e-14)
        assert rows.own.tolist() == [expected[s][1] if s in expected else 1.0 for s in where]


def test_rows_need_what_the_policies_in_them_need_and_no_other():
    slots = Slots()
    for slot, spec in enumerate(SPECS):
        slots.put(slot, policy(spec))
    assert rows_of(slots, np.array([1, 1])).needs == frozenset()
    assert rows_of(slots, np.array([0, 3])).needs == {"entropy", "max_probability"}
    assert [kind.policy.name for kind in slots.kinds(np.array([3, 0, 4]))] == ["edt", "udt"]


def test_slots_without_a_policy_have_no_kinds():
    slots = Slots(4)
    assert slots.kinds(slice(4)) == []
    slots.put(2, policy(SPECS[0]))
    assert slots.kinds(np.array([0, 1, 3])) == []
    assert slots.table[KIND].tolist() == [-1, -1, 0, -1]
    assert slots.table[OWN].tolist() == [1, 1, 1, 1]


def test_the_version_changes_with_the_table_and_only_then():
    slots = Slots(4)
    before = slots.version
    slots.put(1, None)
    assert slots.version == before
    slots.put(1, policy(SPECS[0]))
    assert slots.version > before
