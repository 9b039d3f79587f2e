"""Fewer resamples for what only the page shows."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def fewer_resamples() -> Iterator[None]:
    """Not for the verdict: its effects keep all of theirs."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("forced", "rows"):
            patched.setattr(f"edt_sampling.experiments.{module}.RESAMPLES", 500)
        yield
