"""Lets tests import this folder's samples, copies and stand-in of the hub by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
