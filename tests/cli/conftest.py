"""Lets tests import the fakes of tests/experiments and the copies of tests/tasks by name, and draws fewer resamples for the page."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))

from fewer_resamples import fewer_resamples  # noqa: F401 - a fixture, used by being here
