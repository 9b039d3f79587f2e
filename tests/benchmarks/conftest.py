"""Lets the tests of this folder import ``benchmarks``, which is no part of the package, and ``made_up`` by name."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
