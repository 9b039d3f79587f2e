"""Lets tests import the fakes of tests/experiments, and the sample findings beside this file, by name."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "experiments"), str(Path(__file__).parent)]
