"""Spec strings say a policy exactly; what is wrong with one is named."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edt_sampling.policies import EDT, UDT, DynaTemp, Fixed, InstanceEDT, Scheduled, policy
from edt_sampling.policies.policy import Policy
from edt_sampling.policies.table import POLICIES

POSITIVE = st.floats(0, allow_infinity=False)
OPEN = st.floats(0, 1, exclude_min=True, exclude_max=True)
RANGE = st.tuples(POSITIVE, POSITIVE).map(sorted)


def policies():
    damped = [st.builds(kind, t0=POSITIVE, theta=POSITIVE, base=OPEN) for kind in (EDT, UDT, InstanceEDT)]
    dynatemp = st.tuples(RANGE, st.floats(0, exclude_min=True, allow_infinity=False))
    return st.one_of(
        *damped,
        st.builds(Fixed, temperature=POSITIVE),
        st.builds(Scheduled),
        dynatemp.map(lambda drawn: DynaTemp(low=drawn[0][0], high=drawn[0][1], exponent=drawn[1])),
    )


@given(policies())
def test_string_reads_back(made):
    assert policy(str(made)) == made
    assert hash(policy(str(made))) == hash(made)


def test_defaults_are_left_out_and_spaces_allowed():
    assert str(EDT(t0=0.8, theta=0.2)) == "edt:t0=0.8,theta=0.2"
    assert policy(" edt : theta=0.2 , t0 = 8e-1 ") == EDT(t0=0.8, theta=0.2)
    assert policy(made := Fixed(temperature=1)) is made
    assert str(policy("scheduled:")) == "scheduled"


@pytest.mark.parametrize("name", POLICIES.built_in)
def test_every_built_in_policy_is_found_under_its_name(name):
    kind = POLICIES.find(name)
    assert issubclass(kind, Policy)
    assert kind.name == name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("edtt:t0=1", "unknown policy 'edtt'; did you mean 'edt'?"),
        (
            "zzz",
            "unknown policy 'zzz'; known: edt, fixed, dynatemp, instance-edt, instance-edt-prompt, instance-edt-draft, "
            "instance-edt-running, udt, udt-margin, udt-varentropy, kl-guided, scheduled",
        ),
        ("edt:t0=1", "policy edt needs theta; its parameters: t0 (a finite number >= 0)"),
        ("edt", "policy edt needs t0 and theta"),
        ("edt:t0=1,theta=1,tau=2", "policy edt has no parameter 'tau'; its parameters: t0"),
        ("scheduled:temperature=1", "policy scheduled has no parameter 'temperature'; its parameters: none"),
        ("edt:t0=1,t0=2,theta=1", "t0 is given twice"),
        ("edt:t0=hot,theta=1", "t0 must be a number, got 'hot'"),
        ("edt:0.8,theta=1", "expected name=number, got '0.8'"),
        ("edt:t0=-1,theta=1", "edt: t0 must be a finite number >= 0, got -1.0"),
        ("edt:t0=1,theta=-0.5", "edt: theta must be a finite number >= 0, got -0.5"),
        ("edt:t0=1,theta=nan", "edt: theta must be a finite number >= 0, got nan"),
        ("edt:t0=inf,theta=1", "edt: t0 must be a finite number >= 0, got inf"),
        ("edt:t0=1,theta=1,base=0", "edt: base must be a finite number > 0 and < 1, got 0.0"),
        ("edt:t0=1,theta=1,base=1", "edt: base must be a finite number > 0 and < 1, got 1.0"),
        ("fixed:temperature=-0.1", "fixed: temperature must be a finite number >= 0, got -0.1"),
        ("instance-edt:t0=1,theta=-1", "instance-edt: theta must be a finite number >= 0, got -1.0"),
        ("udt:t0=-2,theta=1", "udt: t0 must be a finite number >= 0, got -2.0"),
        ("dynatemp:low=1,high=0.5", "dynatemp: high must be >= low = 1, got 0.5"),
        ("dynatemp:low=0,high=1,exponent=0", "dynatemp: exponent must be a finite number > 0, got 0.0"),
    ],
)
def test_errors_name_parameter_interval_and_value(spec, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        policy(spec)


@pytest.mark.parametrize("bad", ["0.8", None, True, [0.8]])
def test_parameters_are_numbers(bad):
    with pytest.raises(ValueError, match=r"edt: t0 must be a finite number >= 0, got"):
        EDT(t0=bad, theta=1)


def test_policies_are_frozen_and_keyword_only():
    with pytest.raises(AttributeError):
        EDT(t0=1, theta=1).t0 = 2
    with pytest.raises(TypeError):
        EDT(1, 1)


def test_a_t0_that_is_left_out_may_be_given_beside_the_spec():
    assert policy("edt:theta=0.2", t0=0.7) == policy("edt:t0=0.7,theta=0.2")
    assert policy("edt:t0=0.5,theta=0.2", t0=0.7).t0 == 0.5, "the spec's own wins"
    assert policy("fixed:temperature=1", t0=0.7) == policy("fixed:temperature=1"), "a policy without t0 has no use for it"
    with pytest.raises(ValueError, match="policy edt needs theta"):
        policy("edt", t0=0.7)
    with pytest.raises(ValueError, match="edt: t0 must be a finite number >= 0, got -1"):
        policy("edt:theta=1", t0=-1.0)
