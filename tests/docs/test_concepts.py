"""Every number of the docs pages is computed again: blocks are run as doctests, tables and prose are held against them."""

from __future__ import annotations

import doctest
import math
import re

import numpy as np
import pytest
from markdown_pages import DOCS, ROOT, blocks, inline_code, prose, shown, tables

import edt_sampling as edt
from edt_sampling.policies import POLICIES

CONCEPTS = ROOT / "docs" / "concepts.md"


@pytest.mark.parametrize("page", DOCS, ids=shown)
def test_every_python_block_prints_what_it_says(page):
    """All blocks of a page in one session, from top to bottom; a block without a prompt would not be run, so it is an error."""
    parser, examples = doctest.DocTestParser(), []
    for block in blocks(page):
        if block.language == "python":
            found = parser.get_examples(block.text)
            assert found, f"{shown(page)}, line {block.line}: a python block without >>> is not checked"
            for example in found:
                example.lineno += block.line - 1
            examples += found
    failures: list[str] = []
    test = doctest.DocTest(examples, {}, shown(page), str(page), 0, None)
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)
    assert page != CONCEPTS or len(examples) > 40


def of_entropy(h: float) -> np.ndarray:
    """Logits of 1,000 tokens, one of them ahead of the others by just so much that their entropy is ``h`` nats."""
    low, high = 0.0, 60.0
    for _ in range(100):
        gap = (low + high) / 2
        logits = np.concatenate([[gap], np.zeros(999)])
        low, high = (gap, high) if edt.entropy(logits) > h else (low, gap)
    return logits


def test_the_table_of_t_over_t0():
    """Each cell: three decimals, rounded, of what ``edt.temperature`` gives on logits of that entropy."""
    (table,) = [t for t in tables(CONCEPTS) if t[0][0].startswith("theta")]
    entropies, rows = [float(h) for h in table[0][1:]], table[1:]
    assert len(entropies) == 8
    assert len(rows) == 5
    logits = np.stack([of_entropy(h) for h in entropies])
    np.testing.assert_allclose(edt.entropy(logits), entropies, rtol=1e-9)
    for theta, *cells in rows:
        found = edt.temperature(logits, f"edt:t0=0.9,theta={theta}") / 0.9
        assert cells == [f"{ratio:.3f}".removeprefix("0") for ratio in found], f"theta = {theta}"


def test_what_the_prose_says_of_the_table():
    """The percentage from 2 nats on for theta up to 1, rounded; 0.8 * T0 at H = theta; never above T0."""
    (percent,) = re.findall(r"For theta up to 1, T is within (\d+)% of T0 from 2 nats on", " ".join(prose(CONCEPTS).split()))
    assert int(percent) == round(100 * (1 - 0.8 ** (1 / 2)))
    for h in (0.1, 1.0, 5.0):
        assert edt.temperature(of_entropy(h), f"edt:t0=1,theta={h}") == pytest.approx(0.8, abs=1e-8)
        assert edt.temperature(of_entropy(h), "edt:t0=1,theta=0.01") < 1


def test_no_distribution_below_the_edge_of_top_p_is_less_undecided():
    """Of all distributions whose best token has at most 0.95, (0.95, 0.05) has the least entropy; and it is down to one token."""
    edge = edt.entropy(np.log([0.95, 0.05]))
    rng = np.random.default_rng(0)
    for _ in range(300):
        best = rng.uniform(0.05, 0.95)
        rest = rng.dirichlet(np.full(rng.integers(2, 40), rng.choice([0.01, 0.1, 1.0]))) * (1 - best)
        p = np.concatenate([[best], rest])
        if p.max() <= 0.95:
            with np.errstate(divide="ignore"):
                assert edt.entropy(np.log(p)) >= edge - 1e-12
    evenly = (np.arange(1000) + 0.5) / 1000
    for t0 in (0.5, 1):
        for filters in ("temperature,top_p=0.95", "top_p=0.95,temperature"):
            drawn = edt.sample(np.log([[0.95, 0.05]] * 1000), f"edt:t0={t0},theta=0.1", uniform=evenly, filters=filters)
            assert not drawn.any()


def test_every_decimal_of_the_prose_is_computed_in_a_block():
    """A number with a decimal point in running text must stand in a python block of the page, in its code or in what it prints."""
    text = re.sub(r"`[^`]+`|\[[^\]]*\]\([^)]*\)|^\|.*$", "", prose(CONCEPTS), flags=re.MULTILINE)
    computed = {float(n) for b in blocks(CONCEPTS) if b.language == "python" for n in re.findall(r"\d*\.\d+|\d+", b.text)}
    stated = re.findall(r"(?<![\w.])\d*\.\d+(?![\w.]*\d)", text)
    assert len(stated) > 40
    assert [n for n in stated if float(n) not in computed] == []


def test_numbers_worked_out_by_hand():
    """The page's first examples without the library."""
    h = -0.1 * math.log(0.1) - 0.9 * math.log(0.9)
    printed = "".join(b.text for b in blocks(CONCEPTS))
    assert f"\n{h:.4f}\n" in printed
    assert f"\n{h / math.log(2):.4f} bits, like {math.exp(h):.2f} equal tokens\n" in printed
    for temperature in (1, 2):
        first = 1 / (1 + math.exp(-1 / temperature))
        assert f">>> softmax(logits / {temperature})\n[{first:.3f}, {1 - first:.3f}]\n" in printed


def test_every_policy_has_its_place():
    named = {code.partition(":")[0] for code in inline_code(CONCEPTS) if ":" in code}
    assert set(POLICIES.built_in) <= named
