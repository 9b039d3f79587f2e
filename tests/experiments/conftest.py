"""Lets tests import the fakes of tests/experiments by name, and draws fewer resamples for what the page shows."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))


@pytest.fixture(autouse=True, scope="module")
def _fewer_resamples() -> Iterator[None]:
    """Not for the verdict: its effects keep all of theirs."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("forced", "rows"):
            patched.setattr(f"edt_sampling.experiments.{module}.RESAMPLES", 500)
        yield
