"""Passes: whether the program that an output completes passes its tests, and pass@k, whether one of k does."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from math import comb
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edt_sampling.metrics.programs import Limits, passed, unenforced

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Passes:
    """pass@k on 0..1: the chance that one of ``k`` outputs, drawn without replacement from a prompt's, passes.

    With n outputs of a prompt of which c pass::

        pass@k = 1 - C(n - c, k) / C(n, k)

    without bias for what k fresh outputs would do. At k = 1 it is c / n. A prompt and its output run as one program, then its check;
    it passes where both end without an error. Whoever wrote the program can fool a test that runs beside it: this is a limit for accidents,
    not a proof against intent.

    Attributes:
        k: outputs that may be tried, from 1 to those that a prompt has.
        seconds: CPU time of one program, at least 1; three times as long by the clock.
        run: whether programs may be run at all. They are the model's, and it may write anything.
        threads: programs at once; None: one a core.

    Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", arXiv 2107.03374.
    """

    k: int = 1
    _: KW_ONLY
    seconds: int = 5
    run: bool = False
    threads: int | None = None

    reads: ClassVar[str] = "checks"
    asks: ClassVar[frozenset[str]] = frozenset({"run", "threads"})
    """What the caller decides, and no recipe."""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be 1 or more, got {self.k}")
        Limits(seconds=self.seconds)

    @property
    def name(self) -> str:
        """``passes``, or ``passes_5`` for k = 5."""
        return "passes" if self.k == 1 else f"passes_{self.k}"

    @property
    def signature(self) -> str:
        """For example ``pass@1|unbiased|seconds:5|MiB:1024|python:3.11.7``."""
        return f"pass@{self.k}|unbiased|seconds:{self.seconds}|MiB:{Limits().memory >> 20}|python:{platform.python_version()}"

    def scores(self, groups: Sequence[Sequence[str]], prompts: Sequence[str], checks: Sequence[str | None]) -> FloatArray:
        """pass@k of each prompt from its group of outputs, ``[groups]``, float64.

        Raises:
            ValueError: programs may not be run, a prompt has no check, or a group holds fewer than ``k`` outputs.
        """
        for i, group in enumerate(groups):
            if len(group) < self.k:
                raise ValueError(f"k must be at most the outputs of groups[{i}], {len(group)}, got {self.k}; sample more of each prompt")
        each = [(output, prompt, check) for group, prompt, check in zip(groups, prompts, checks, strict=True) for output in group]
        found = iter(self.outcomes(*(list(column) for column in zip(*each, strict=True))) if each else ())
        counts = [(int(sum(next(found) for _ in group)), len(group)) for group in groups]
        return np.array([at_least_one(passing, outputs, self.k) for passing, outputs in counts], dtype=np.float64)

    def unenforced(self) -> tuple[str, ...]:
        """What programs are not kept from on this platform."""
        return unenforced(Limits(seconds=self.seconds))

    def outcomes(self, outputs: Sequence[str], prompts: Sequence[str], checks: Sequence[str | None]) -> FloatArray:
        """1 for each output that passes, 0 for the others, ``[outputs]``. Raises ValueError as ``scores``."""
        if not self.run:
            raise ValueError("metric passes runs programs that the model wrote, on this machine: allow that with --run-code")
        programs = [prompt + output for prompt, output in zip(prompts, outputs, strict=True)]
        tests = [_present(check, i) for i, check in enumerate(checks)]
        return np.array(passed(programs, tests, limits=Limits(seconds=self.seconds), workers=self.threads), dtype=np.float64)


def at_least_one(passing: int, outputs: int, k: int) -> float:
    """The chance that k of the outputs, drawn without replacement, hold one of those that pass."""
    return 1 - comb(outputs - passing, k) / comb(outputs, k)


def _present(check: str | None, number: int) -> str:
    if check is None:
        raise ValueError(f"checks[{number}] is missing: metric passes needs examples with a check, the tests that their outputs must pass")
    return check
