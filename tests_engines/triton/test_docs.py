"""docs/gpu.md: its block runs as it stands, and its margins are those of the tests; the benchmark says what it needs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from oracle import MARGIN
from test_gumbel import NOISE_MARGIN

from edt_sampling.sampling.triton_gumbel import ROOM, SLACK
from edt_sampling.sampling.triton_tiles import WIDEST
from edt_sampling.sampling.triton_truncation import BITS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")


def test_the_block_runs_to_the_letter(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    torch.manual_seed(0)
    exec(block, {})
    first, second = capsys.readouterr().out.splitlines()
    assert 0.8 in eval(first.partition("] ")[2])
    assert len(eval(second)) == 4


def test_the_numbers_are_those_of_the_kernels():
    assert f"within {MARGIN:.0e}".replace("e-0", "e-") in PAGE
    assert f"less than {NOISE_MARGIN:.0e}".replace("e-0", "e-") in PAGE
    assert (ROOM.value, SLACK.value, WIDEST) == (16, 2**-13, 4096)
    assert [BITS[kind] // 4 for kind in (torch.bfloat16, torch.float16, torch.float32)] == [4, 5, 8]


KINDS = {
    "normal, deviation 3": lambda rng: rng.normal(size=WIDEST) * 3,
    "normal, deviation 1": lambda rng: rng.normal(size=WIDEST),
    "normal, deviation 0.2": lambda rng: rng.normal(size=WIDEST) * 0.2,
    "Zipf": lambda rng: -np.log1p(rng.permutation(WIDEST)),
}
BOUNDS = (1.0, 0.6, 5.0)


def lines_kept(kind, bound):
    """How many lines of a tile no other of at least their slope has passed at b0, without the slack: the mean and the most of 300."""
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        logits = kind(rng)
        order = np.argsort(-(logits / bound + rng.gumbel(size=WIDEST)))
        steepest = np.maximum.accumulate(logits[order])
        found.append(1 + int((steepest[1:] > steepest[:-1]).sum()))
    return np.mean(found), max(found)


def test_the_table_of_lines():
    for name, kind in KINDS.items():
        cells = "".join(f" {mean:.1f} ({most}) |" for mean, most in (lines_kept(kind, bound) for bound in BOUNDS))
        assert f"| {name} |{cells}" in PAGE


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_benchmark_says_in_one_line_that_it_needs_a_device():
    found = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.strip().splitlines()[-1].startswith("benchmarks.gpu needs a CUDA device")
