"""Lets tests import the fakes of tests/experiments by name, and draws fewer resamples for what the page shows."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))

from fewer_resamples import fewer_resamples  # noqa: F401 - a fixture, used by being here
