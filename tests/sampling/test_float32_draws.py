"""The compiled float32 draws on a CPU against the float64 oracle: what docs/numerics.md promises of them."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import edt_sampling as edt
from edt_sampling import policy
from edt_sampling.sampling import Filters, numba, reference, torch_numba
from edt_sampling.sampling import torch as torch_backend
from edt_sampling.sampling.float32 import SWITCH, on
from edt_sampling.sampling.numba import Threads, pooled
from edt_sampling.sampling.torch_threads import torch_threads

MARGIN = 1e-6
"""Of H (nats), T and every cumulated probability."""
SPECS = (
    "edt:t0=0.7,theta=0.3",
    "edt:t0=1.4,theta=3",
    "fixed:temperature=0.7",
    "edt:t0=1,theta=0",
    "udt:t0=0.7,theta=0.1",
    "fixed:temperature=0",
    "udt-margin:t0=1,theta=0.2",
    "udt-varentropy:t0=1,theta=0.2",
    "dynatemp:low=0.2,high=1.3",
    "fixed:temperature=20",
)
FILTERS = (
    "temperature",
    "temperature,top_p=0.95",
    "temperature,top_k=20",
    "temperature,min_p=0.05",
    "temperature,top_k=40,top_p=0.9",
    "temperature,top_p=0.5,top_k=3,min_p=0.3",
    "temperature,min_p=0.01,top_p=0.8",
    "temperature,top_p=0.999",
)
KINDS = ("normal", "ties", "flat", "equal", "peaked", "masked", "few", "zipf", "far down")
ENDS = 2**8
"""So near to 0 and 1 as u = 2**-44: beyond, float64's own sums decide which of the tokens that weigh 2**-52 is drawn."""
rng_of = np.random.default_rng


def rows_of(kind, rows, vocab, rng):
    """Logits float32 ``[rows, vocab]``, at least one token of each row left."""
    logits = rng.normal(size=(rows, vocab)) * 3 + rng.normal() * 20
    if kind == "ties":
        logits = np.round(logits)
    if kind == "flat":
        logits = rng.normal(size=(rows, vocab)) * 0.01
    if kind == "equal":
        logits = np.full((rows, vocab), -7.25)
    if kind == "peaked":
        logits[np.arange(rows), rng.integers(vocab, size=rows)] += rng.uniform(5, 60, rows)
    if kind == "zipf":
        logits = -1.5 * np.log1p(rng.permuted(np.tile(np.arange(vocab), (rows, 1)), axis=1)) + rng.normal(size=(rows, vocab)) * 0.1
    if kind == "far down":
        logits = rng.normal(size=(rows, vocab)) * 90
    if kind in ("masked", "few"):
        masked = rng.random((rows, vocab)) < (0.5 if kind == "masked" else 1 - 3 / vocab)
        masked[np.arange(rows), rng.integers(vocab, size=rows)] = False
        logits[masked] = -np.inf
    return logits.astype(np.float32)


def uniform(rows, rng):
    return (rng.integers(0, 2**52, rows) + 0.5) / 2**52


def near(filters):
    """The filters, and the same with every share moved by the margin to either side."""
    moved = []
    for by in (-1, 1):
        steps = [type(s)(min(s.p * (1 + 4 * by * MARGIN), 1)) if s.name in ("top_p", "min_p") else s for s in filters.steps]
        moved.append(Filters(steps=tuple(steps)))
    return [filters, *moved]


def possible(logits, chosen, u, filters):
    """For each row, the ranges of tokens that the oracle draws within the margin of u, for the filters and those near them."""
    of = reference.mixture(chosen)
    for steps in near(filters):
        ends = [np.clip(u + by, 2.0**-53, 1 - 2.0**-53) for by in (-2 * MARGIN, 2 * MARGIN)]
        low, high = (reference.draw(logits, of, uniform=end, filters=steps).token for end in ends)
        yield low, high


def check(logits, specs, u, filters, found):
    """Holds what was found against the oracle, and returns the share of rows whose token is another than the oracle's."""
    chosen, filters = [policy(s) for s in specs], Filters.parse(filters)
    exact = logits.astype(np.float64)
    expected = reference.draw(exact, reference.mixture(chosen), uniform=u, filters=filters)
    np.testing.assert_allclose(found.entropy, expected.entropy, rtol=0, atol=MARGIN)
    np.testing.assert_allclose(found.temperature, expected.temperature, rtol=0, atol=MARGIN)
    differ = np.flatnonzero(found.token != expected.token)
    if len(differ):
        token, within = found.token[differ], np.zeros(len(differ), bool)
        for low, high in possible(exact[differ], [chosen[r] for r in differ], u[differ], filters):
            within |= (low <= token) & (token <= high)
        assert within.all(), f"rows {differ[~within]}: {token[~within]} against {expected.token[differ][~within]}"
    if not filters.after:  # one token more or less at an edge changes what the others share
        same = found.token == expected.token
        np.testing.assert_allclose(found.probability[same], expected.probability[same], rtol=0, atol=MARGIN)
    assert np.isfinite(logits[np.arange(len(u)), found.token]).all()
    assert ((found.probability > 0) & (found.probability <= 1 + MARGIN)).all()
    return len(differ) / max(1, len(u))


def specs_for(rows):
    return [SPECS[r % len(SPECS)] for r in range(rows)]


def draw(logits, specs, u, filters, **options):
    return numba.draw(logits, reference.mixture([policy(s) for s in specs]), uniform=u, filters=Filters.parse(filters), **options)


def test_the_path_is_there():
    """Everything below would hold of the oracle as well."""
    assert on("numba")
    assert torch_backend.fast_path(torch.zeros(1, 2)) is torch_numba
    assert torch_backend.fast_path(torch.zeros(1, 2, dtype=torch.float64)) is None


@pytest.mark.parametrize("vocab", [1, 2, 127, 128, 129, 511, 513])
@pytest.mark.parametrize("rows", [1, 7, 99])
def test_small_vocabularies(vocab, rows):
    for n, kind in enumerate(KINDS):
        rng = rng_of([vocab, rows, n])
        logits, u, specs = rows_of(kind, rows, vocab, rng), uniform(rows, rng), specs_for(rows)
        for filters in FILTERS if rows < 99 else FILTERS[:2]:
            check(logits, specs, u, filters, draw(logits, specs, u, filters))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("vocab", "rows"), [(32_000, 3), (151_936, 1), (262_144, 1)])
def test_large_vocabularies(vocab, rows, kind):
    rng = rng_of([vocab, rows])
    logits, u, specs = rows_of(kind, rows, vocab, rng), uniform(rows, rng), specs_for(rows)
    for filters in ("temperature", "temperature,top_k=40,top_p=0.9", "temperature,top_p=0.95"):
        check(logits, specs, u, filters, draw(logits, specs, u, filters))


def test_99_rows_of_a_large_vocabulary():
    rng = rng_of(5)
    logits, u, specs = rows_of("zipf", 99, 20_000, rng), uniform(99, rng), specs_for(99)
    assert check(logits, specs, u, "temperature,top_p=0.95", draw(logits, specs, u, "temperature,top_p=0.95")) == 0


def test_few_tokens_differ_from_the_oracles():
    """Of 5,000 draws with u anywhere, as good as none lies within the margin of a boundary."""
    rng = rng_of(6)
    logits, u = rows_of("normal", 5_000, 300, rng), uniform(5_000, rng)
    for filters in ("temperature", "temperature,top_p=0.95"):
        assert check(logits, [SPECS[0]] * 5_000, u, filters, draw(logits, [SPECS[0]] * 5_000, u, filters)) <= 2e-4


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    vocab=st.integers(1, 700),
    kind=st.sampled_from(KINDS),
    scale=st.sampled_from([0.03, 1.0, 8.0]),
    spec=st.sampled_from(SPECS),
    k=st.integers(1, 60),
    p=st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9, 0.999, 1.0]) | st.floats(0.01, 1),
    m=st.sampled_from([0.01, 1.0]) | st.floats(0.01, 1),
    order=st.permutations(["top_k", "top_p", "min_p"]),
    count=st.integers(0, 3),
    number=st.integers(ENDS, 2**52 - ENDS) | st.sampled_from([ENDS, 2**51, 2**51 - 1, 2**52 - ENDS]),
)
def test_generated_rows(seed, vocab, kind, scale, spec, k, p, m, order, count, number):
    rng = rng_of(seed)
    logits, u = rows_of(kind, 2, vocab, rng) * np.float32(scale), np.full(2, (number + 0.5) / 2**52)
    value = {"top_k": k, "top_p": p, "min_p": m}
    filters = ",".join(["temperature", *(f"{name}={value[name]!r}" for name in order[:count])])
    check(logits, [spec] * 2, u, filters, draw(logits, [spec] * 2, u, filters))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("filters", FILTERS[:3])
def test_torch_draws_what_numpy_draws_bit_for_bit(dtype, filters):
    rng = rng_of(7)
    tensor = torch.tensor(rows_of("normal", 60, 3_000, rng)).to(dtype)
    u, specs = uniform(60, rng), specs_for(60)
    kinds = [policy(s) for s in specs]
    theirs = torch_backend.draw(tensor, torch_backend.mixture(kinds, like=tensor), uniform=u, filters=Filters.parse(filters))
    ours = draw(tensor.float().numpy(), specs, u, filters)
    check(tensor.float().numpy(), specs, u, filters, edt.Draw(*(column.numpy() for column in theirs)))
    assert theirs.token.dtype == torch.int64
    for mine, other in zip(ours, theirs, strict=True):  # loops over 16 bits add in another order
        np.testing.assert_allclose(mine, other.numpy(), rtol=0, atol=MARGIN if dtype == torch.bfloat16 else 0)


def test_a_rows_result_does_not_depend_on_its_neighbours_or_threads():
    rng = rng_of(8)
    logits, u, specs = rows_of("normal", 40, 5_000, rng), uniform(40, rng), specs_for(40)
    there, of = numba.rows(logits), reference.mixture([policy(s) for s in specs])
    for filters in FILTERS[:3]:
        together = draw(logits, specs, u, filters)
        alone = [draw(logits[[r]], [specs[r]], u[[r]], filters) for r in range(40)]
        for name in edt.Draw._fields:
            np.testing.assert_array_equal(getattr(together, name), [getattr(one, name)[0] for one in alone])
        for threads in (Threads(1, pooled), Threads(3, pooled), torch_threads()._replace(count=2)):
            found = numba.read(there, needs=of.needs, threads=threads)
            t = reference.temperature_at(found.statistics, of)
            token, probability = numba.pick(there, found, t, u, Filters.parse(filters).after, threads=threads)
            np.testing.assert_array_equal(token, together.token)
            np.testing.assert_array_equal(probability, together.probability)


def test_rows_lie_anywhere_in_memory():
    """Every other row, a slice of longer rows, columns of another order, a row repeated, memory that may not be written."""
    rng = rng_of(9)
    wide = rows_of("normal", 8, 900, rng)
    wide.flags.writeable = False
    for logits in (wide[::2], wide[:, 100:700], wide[::-1], wide[:, ::3], np.asfortranarray(wide), np.broadcast_to(wide[0], (4, 900))):
        u, specs = uniform(len(logits), rng), specs_for(len(logits))
        here, there = draw(logits, specs, u, FILTERS[1]), draw(np.ascontiguousarray(logits), specs, u, FILTERS[1])
        for mine, other in zip(here, there, strict=True):
            np.testing.assert_array_equal(mine, other)
        assert check(logits, specs, u, FILTERS[1], here) == 0


def test_no_rows_make_none():
    found = edt.draw(np.zeros((0, 5), np.float32), "edt:t0=1,theta=0.1", uniform=[])
    assert [len(column) for column in found] == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
@pytest.mark.parametrize("vocab", [3, 128, 2_000])
@pytest.mark.parametrize("nan", [np.float32("nan"), -np.float32("nan"), np.uint32(0xFFC00001).view(np.float32)])
def test_rows_without_a_distribution_are_named(kind, vocab, nan):
    logits = np.zeros((4, vocab), np.float32)
    logits[1, vocab // 2], logits[2], logits[3, -1] = nan, -np.inf, np.inf
    message = "logits: row 1 holds NaN, row 2 is -inf throughout: no token is left, row 3 holds \\+inf"
    for call in (lambda x: edt.sample(x, "edt:t0=1,theta=1", uniform=[0.5] * 4), edt.entropy):
        with pytest.raises(ValueError, match=message):
            call(kind(logits))
    logits[1, vocab // 2], logits[1, 0] = 0, nan
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        edt.entropy(kind(logits))


def test_a_draw_never_takes_a_masked_token():
    """At both ends of u, in rows whose first and last tokens are masked."""
    logits = np.full((2, 2_000), -np.inf, np.float32)
    logits[:, 700:1_300] = rng_of(10).normal(size=600) * 0.001
    for filters in FILTERS:
        found = draw(logits, ["fixed:temperature=1"] * 2, np.array([0.5, 2**52 - 0.5]) / 2**52, filters)
        assert ((found.token >= 700) & (found.token < 1_300)).all()


def test_minus_0_ties_with_0():
    logits = np.array([[-1, -0.0, 0.0, -0.0]], np.float32)
    assert draw(logits, ["fixed:temperature=0"], np.array([0.9]), "temperature").token == [1]
    assert draw(logits, ["fixed:temperature=1"], np.array([0.999]), "temperature,top_k=1").token == [1]


def test_the_draw_follows_the_distribution():
    """Chi-square over 200,000 draws of 12 tokens; a token whose probability were off by 3% would be found with power 0.99."""
    rng = rng_of(11)
    logits = (rng.normal(size=12) * 1.5).astype(np.float32)
    tokens = edt.sample(np.tile(logits, (200_000, 1)), "edt:t0=0.9,theta=0.3", uniform=edt.uniforms(3, np.arange(200_000), 0, 1)[:, 0])
    t = edt.temperature(logits.astype(np.float64), "edt:t0=0.9,theta=0.3")
    p = np.exp((logits - logits.max()) / t)
    expected = 200_000 * p / p.sum()
    assert ((np.bincount(tokens, minlength=12) - expected) ** 2 / expected).sum() < 31.26  # the 0.999 quantile for 11 degrees of freedom


def test_what_the_fast_path_does_not_know_is_the_oracles():
    rng = rng_of(12)
    logits, u = rows_of("normal", 5, 300, rng), uniform(5, rng)
    for filters in (
        "top_k=30,temperature",
        "temperature,typical=0.9",
        "temperature,top_h=0.5",
        "top_p=0.9,temperature,entropy_of=filtered",
    ):
        here = draw(logits, SPECS[:5], u, filters)
        there = reference.draw(logits, reference.mixture([policy(s) for s in SPECS[:5]]), uniform=u, filters=Filters.parse(filters))
        for mine, other in zip(here, there, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_the_variable_switches_it_off(monkeypatch):
    """Without it H of 1,000 equal logits is right to the last digits of float64."""
    logits = rows_of("normal", 1, 1_000, rng_of(13))
    exact = float(edt.entropy(logits.astype(np.float64))[0])
    assert 0 < abs(float(edt.entropy(logits)[0]) - exact) < MARGIN
    monkeypatch.setenv(SWITCH, "0")
    assert abs(float(edt.entropy(logits)[0]) - exact) < 1e-12
    assert abs(float(edt.entropy(torch.tensor(logits))[0]) - exact) < 1e-12
    monkeypatch.setenv(SWITCH, "no")
    with pytest.raises(ValueError, match=r"EDT_SAMPLING_FAST must be 0 .* or 1, got 'no'"):
        edt.entropy(logits)


@pytest.mark.parametrize("run", [pooled, torch_threads().run])
def test_threads_share_the_work_and_hand_on_errors(run):
    """Of 200 pieces none is done twice and none left out; what fails in one thread fails for the caller."""
    pieces, done = iter(range(200)), []

    def work():
        done.extend(pieces)

    run(work, 3)
    assert sorted(done) == list(range(200))

    def fail():
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        run(fail, 3)


def test_several_threads_may_draw_at_once():
    logits, found = rows_of("normal", 30, 5_000, rng_of(14)), [None] * 8
    u = np.full(30, 0.4)

    def work(place):
        found[place] = [draw(logits, specs_for(30), u, FILTERS[1]).token.tolist() for _ in range(5)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [found[0]] * 8
    assert found[0] is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_threads_of_its_own():
    code = """
import os, numpy as np, edt_sampling as edt
logits, u = np.random.default_rng(0).normal(size=(64, 5000)).astype(np.float32), np.full(64, 0.3)
first = edt.sample(logits, "edt:t0=1,theta=0.1", uniform=u).tolist()
child = os.fork()
if not child:
    os._exit(0 if edt.sample(logits, "edt:t0=1,theta=0.1", uniform=u).tolist() == first else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = os.environ | {"NUMBA_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    assert done.stdout == "0\n", done.stderr


def test_where_nothing_can_be_kept_on_disk_it_is_compiled_in_memory():
    code = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
caching.CompileResultCacheImpl._locator_classes = []
import numpy as np, edt_sampling as edt
print(edt.sample(np.array([0, 9], np.float32), "fixed:temperature=1", uniform=0.5))
from edt_sampling.sampling import numba_kernels
print(numba_kernels.read_rows.on_disk.stats.cache_path)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1", "None"], done.stderr
