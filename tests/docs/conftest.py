"""Lets the tests of this folder import ``markdown_pages``, and the fakes of tests/experiments, by name."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "experiments")]
