"""The fields of a request: one reader for every engine."""

from __future__ import annotations

import pytest

import edt_sampling as edt
from edt_sampling.engines.fields import requested


def test_a_t0_left_out_is_the_requests_temperature():
    assert requested({"edt": "edt:theta=0.2"}, temperature=0.7) == edt.EDT(t0=0.7, theta=0.2)
    assert requested({"edt": "edt:t0=0.9,theta=0.2"}, temperature=0.7) == edt.EDT(t0=0.9, theta=0.2)
    assert requested({"edt": "udt:theta=0.1"}, temperature=0.4) == edt.UDT(t0=0.4, theta=0.1)
    assert requested({"edt": "kl-guided"}, temperature=0.4) == edt.KLGuided(t0=0.4)
    assert requested({"edt": "dynatemp:low=0.2,high=1"}, temperature=0.4) == edt.DynaTemp(low=0.2, high=1)


def test_the_short_form():
    assert requested({"edt_theta": 0.2}, temperature=0.7) == edt.EDT(t0=0.7, theta=0.2, base=0.8)
    assert requested({"edt_theta": 1}, temperature=1) == edt.EDT(t0=1, theta=1)


@pytest.mark.parametrize("fields", [None, {}, {"top_k": 3, "other": "x"}])
def test_a_request_that_asks_for_nothing(fields):
    assert requested(fields, temperature=0.7) is None


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"edt": "edt:theta=0.2", "edt_theta": 0.2}, "edt and edt_theta say the same thing: give one of them"),
        ({"edt_thet": 0.2}, "unknown field 'edt_thet': give edt, a spec string such as 'edt:theta=0.2', or edt_theta, a number"),
        ({"edt": 0.2}, "edt must be a spec string such as 'edt:theta=0.2', got 0.2"),
        ({"edt": "etd:theta=1"}, "unknown policy 'etd'; did you mean 'edt'"),
        ({"edt": "edt"}, "policy edt needs theta"),
        ({"edt_theta": "0.2"}, "edt_theta must be a number >= 0, got '0.2'"),
        ({"edt_theta": True}, "edt_theta must be a number >= 0, got True"),
        ({"edt_theta": -1}, "edt: theta must be a finite number >= 0, got -1"),
        ({"edt_theta": float("nan")}, "edt: theta must be a finite number >= 0, got nan"),
    ],
)
def test_what_is_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        requested(fields, temperature=0.7)
