"""Sizes and names that several parts share."""

from __future__ import annotations

LLAMA = 128_256
"""Words of Llama 3: the vocabulary that most tables are at."""
NOISE = "noise"
"""Logits that are normal with standard deviation 3: nearly flat over a large vocabulary, so that top-p keeps tens of thousands of words."""
EDT, FIXED, TEMPERATURE = "edt:t0=0.8,theta=0.2", "fixed:temperature=0.8", 0.8
"""What is timed in every engine."""
