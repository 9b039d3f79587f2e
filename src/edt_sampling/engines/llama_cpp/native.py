"""llama.cpp's C functions as llama-cpp-python binds them, without types: its annotations name C's types, and ctypes takes others too."""

from __future__ import annotations

from importlib import import_module
from typing import Any

llama_cpp: Any = import_module("llama_cpp")
