"""Triton's kernels on CPU tensors: its interpreter, switched on before Triton is imported, and once a kernel instead of once a call."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import pytest
import torch
import triton.language as tl
from triton.runtime import interpreter

_patch = interpreter._patch_lang


def _patch_once(function):
    """What the interpreter does at every call of a function within a kernel, left out where it is done: three times as fast."""
    languages = [value for value in function.__globals__.values() if value is tl or value is tl.core]
    return _patch(function) if any(tl.core.is_builtin(of.arange) for of in languages) else interpreter._LangPatchScope()


interpreter._patch_lang = _patch_once


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
