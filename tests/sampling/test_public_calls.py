"""What the public functions accept, give back and refuse."""

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import edt_sampling as edt
from edt_sampling.policies import Policy
from edt_sampling.sampling import Filters, gumbel, reference

KINDS = pytest.mark.parametrize("kind", [np.asarray, torch.tensor])


@KINDS
def test_one_policy_and_a_list_with_one_a_row(kind):
    logits = kind(np.random.default_rng(0).normal(size=(3, 20)))
    u = [0.2, 0.5, 0.8]
    one = edt.sample(logits, "edt:t0=1,theta=0.4", uniform=u)
    assert (
        one.tolist()
        == edt.sample(logits, [edt.EDT(t0=1, theta=0.4), "edt:t0=1,theta=0.4", edt.policy("edt:t0=1,theta=0.4")], uniform=u).tolist()
    )
    assert one.tolist() == edt.draw(logits, edt.EDT(t0=1, theta=0.4), uniform=u, filters=Filters()).token.tolist()


def test_numpy_gives_numpy_and_torch_torch():
    u = np.array([0.2, 0.7])
    array = edt.draw(np.zeros((2, 5), np.float32), "fixed:temperature=1", uniform=torch.tensor(u).numpy())
    tensor = edt.draw(torch.zeros(2, 5).bfloat16(), "fixed:temperature=1", uniform=torch.tensor(u))
    assert [column.dtype for column in array] == [np.int64] + [np.float64] * 3
    assert [column.dtype for column in tensor] == [torch.int64] + [torch.float64] * 3
    assert array.token.tolist() == tensor.token.tolist()


@KINDS
def test_a_lone_row_gives_lone_numbers(kind):
    result = edt.draw(kind(np.zeros(5)), "instance-edt:t0=1,theta=1", uniform=0.5, first_entropy=0.7)
    assert [tuple(np.shape(column)) for column in result] == [()] * 4
    assert int(result.token) == 2


@KINDS
def test_a_schedule_gives_the_draws_of_its_temperatures(kind):
    logits, u = np.random.default_rng(1).normal(size=(40, 30)) * 2, edt.uniforms(0, np.arange(40), 0, 1)[:, 0]
    own = edt.draw(kind(logits), "edt:t0=1,theta=1", uniform=u, filters="top_p=0.9")
    given = edt.draw(kind(logits), "scheduled", uniform=u, filters="top_p=0.9", scheduled=own.temperature)
    assert all((a == b).all() for a, b in zip(own, given, strict=True))
    assert (edt.sample(kind(logits), "scheduled", uniform=u, scheduled=np.zeros(40)) == kind(logits).argmax(-1)).all()


def test_tensors_that_need_gradients_are_read_without():
    logits = torch.randn(2, 6, requires_grad=True)
    result = edt.draw(torch.nn.Parameter(logits), "edt:t0=1,theta=1", uniform=[0.5, 0.5])
    assert not result.probability.requires_grad


@KINDS
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"uniform": 0.5}, "uniform must hold one number a row: it holds 1 numbers, logits 2 rows"),
        ({"uniform": [0.1, 0.2, 0.3]}, "uniform must hold one number a row: it holds 3 numbers, logits 2 rows"),
        ({"uniform": [[0.1], [0.2]]}, r"uniform must hold one number a row: it holds shape \(2, 1\), logits 2 rows"),
        ({"uniform": [0.5, 1.0]}, "uniform must be > 0 and < 1, row 1 holds 1.0"),
        ({"uniform": [0.0, 0.5]}, "uniform must be > 0 and < 1, row 0 holds 0.0"),
        ({"uniform": [0.5, float("nan")]}, "uniform: row 1 holds NaN"),
        ({"uniform": None}, r"uniform must hold one number in \(0, 1\) a row, got None"),
        ({"policy": ["fixed:temperature=1"]}, "policies must be one a row: 1 policies, logits 2 rows"),
        ({"policy": "instance-edt:t0=1,theta=1"}, "instance-edt needs first_entropy: pass first_entropy=, one number a row"),
        ({"policy": "instance-edt:t0=1,theta=1", "first_entropy": [1.0]}, "first_entropy must hold one number a row: it holds 1 numbers"),
        ({"first_entropy": [float("nan"), 1]}, "first_entropy: row 0 holds NaN"),
        ({"policy": "scheduled"}, "scheduled needs scheduled: pass scheduled=, one number a row"),
        ({"policy": "scheduled", "scheduled": [1.0]}, "scheduled must hold one number a row: it holds 1 numbers, logits 2 rows"),
        ({"policy": "scheduled", "scheduled": [1.0, float("nan")]}, "scheduled: row 1 holds NaN"),
        ({"policy": "scheduled", "scheduled": [1.0, -0.5]}, "scheduled must be >= 0, row 1 holds -0.5"),
        ({"kl": [1, 2, 3]}, "kl must hold one number a row: it holds 3 numbers, logits 2 rows"),
        ({"policy": "edtt:t0=1"}, "unknown policy 'edtt'; did you mean 'edt'"),
        ({"filters": "top_p=2"}, "top_p must be a number > 0 and <= 1, got 2.0"),
    ],
)
def test_errors_name_what_is_wrong(kind, arguments, message):
    call = {"policy": "fixed:temperature=1", "uniform": [0.5, 0.5]} | arguments
    with pytest.raises(ValueError, match=message):
        edt.draw(kind(np.zeros((2, 3))), **call)


@pytest.mark.parametrize(
    ("logits", "arguments", "message"),
    [
        ([1.0, 2.0], {}, "logits must be a NumPy array or a torch tensor, got builtins.list"),
        (np.zeros(3), {"policy": 0.7}, "policy must be a Policy, a spec string or a list with one a row, got float"),
        (np.zeros(3), {"filters": 0.9}, "filters must be a Filters or its string, got float"),
        (
            np.zeros(3),
            {"first_entropies": 1.0},
            "unexpected argument 'first_entropies': the statistics that can be given are allowed_surprise, draft_entropy,",
        ),
        (np.zeros(3), {"uniform": "half"}, "uniform must hold one number a row, got 'half'"),
    ],
)
def test_other_types_are_refused(logits, arguments, message):
    with pytest.raises(TypeError, match=message):
        edt.sample(logits, **({"policy": "fixed:temperature=1", "uniform": 0.5} | arguments))


def test_a_statistic_that_nobody_computes_is_named():
    class Moody(edt.Policy):
        name = "moody"
        needs = frozenset({"mood"})

    known = "draft_entropy, entropy, first_entropy, kl, margin, max_probability, prompt_entropy, running_entropy, scheduled, support, var"
    with pytest.raises(ValueError, match=f"moody needs mood: known statistics: {known}"):
        reference.draw(np.zeros((1, 2)), _Unchecked([Moody]), uniform=[0.5])


def test_mirostat_says_what_it_is_not_given():
    with pytest.raises(ValueError, match="mirostat needs allowed_surprise: pass allowed_surprise=, bits, one number a row"):
        edt.sample(np.zeros((1, 2)), "fixed:temperature=1", uniform=[0.5], filters="mirostat=5")


class _Unchecked:
    """A mixture of policy classes, for what they need alone."""

    def __init__(self, policies):
        self.policies = policies
        self.needs = frozenset[str]().union(*(p.needs for p in policies))


IMPORTS = {
    "import edt_sampling as edt; edt.__version__; dir(edt)": {"numpy", "torch"},
    "import edt_sampling as edt; edt.policy('edt:t0=0.8,theta=0.2')": {"numpy", "torch"},
    "import edt_sampling as edt, numpy as np; edt.sample(np.zeros(3), 'fixed:temperature=1', uniform=0.5)": {"torch"},
}


@pytest.mark.parametrize(("code", "absent"), IMPORTS.items())
def test_frameworks_are_imported_only_when_used(code, absent):
    script = f"{code}\nimport sys; print(sorted({absent!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@dataclass(frozen=True, kw_only=True)
class Undefined(Policy):
    """T = 0 / 0 at H = 0."""

    name: ClassVar[str] = "undefined"
    needs: ClassVar[frozenset[str]] = frozenset({"entropy"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return s.entropy / s.entropy


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_a_formula_that_gives_no_number_is_named(kind) -> None:
    logits = kind([[0.0, 1.0], [0.0, -math.inf]])
    with pytest.raises(ValueError, match=r"policy undefined gave row 1 the temperature NaN: its formula is undefined"):
        edt.sample(logits, Undefined(), uniform=[0.5, 0.5])


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_the_gumbel_draw_is_another_draw_of_the_same_distribution(kind):
    """The oracle's tokens under the same keys; over 4,000 of them a share of 0.71 within four standard errors."""
    logits, keys = np.log(np.tile([0.7, 0.2, 0.1], (4_000, 1))), edt.noise_keys(1, np.arange(4_000), 0, 1)[:, 0]
    found = edt.draw(kind(logits), "edt:t0=1,theta=0.05", draw="gumbel", key=keys)
    expected = gumbel.draw(logits, reference.mixture([edt.policy("edt:t0=1,theta=0.05")] * 4_000), key=keys)
    assert found.token.tolist() == expected.token.tolist()
    assert np.isnan(np.asarray(found.probability)).all()
    p = np.array([0.7, 0.2, 0.1]) ** (1 / float(found.temperature[0]))
    assert abs((np.asarray(found.token) == 0).mean() - p[0] / p.sum()) < 4 * (0.21 / 4_000) ** 0.5
    assert int(edt.sample(kind(logits[0]), "fixed:temperature=0", draw="gumbel", key=keys[:1])) == 0


def test_what_the_gumbel_draw_does_not_take_is_refused():
    logits = np.zeros((1, 3))
    with pytest.raises(ValueError, match=r"filters must be none with draw='gumbel', got temperature,top_p=0.9"):
        edt.draw(logits, "fixed:temperature=1", draw="gumbel", key=[1], filters="top_p=0.9")
    with pytest.raises(ValueError, match="key must hold one number a row with draw='gumbel', got None"):
        edt.draw(logits, "fixed:temperature=1", draw="gumbel")
    with pytest.raises(ValueError, match="draw must be 'inverse' or 'gumbel', got 'max'"):
        edt.draw(logits, "fixed:temperature=1", draw="max")
