"""Lets tests import the local task by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness_task import model, tasks  # noqa: F401 - fixtures, used by being here
