"""Lets tests import the fakes of tests/experiments by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
