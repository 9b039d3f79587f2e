"""PyTorch's own threads at other work than PyTorch's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from edt_sampling.sampling.numba import Threads, pooled

_CALLED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def torch_threads() -> Threads:
    """As many threads as torch uses: its own where they are GNU OpenMP's, a pool's elsewhere.

    OpenMP's threads wait for their next work with all their might, some ms long; others that want to run then get no core.
    """
    return Threads(torch.get_num_threads(), _teamed if _parallel() else pooled)


@cache
def _parallel() -> Any:
    """``GOMP_parallel`` of the library that torch has loaded, or None."""
    package = Path(torch.__file__).parent
    for library in (*package.glob("lib/libgomp*.so*"), *package.parent.glob("torch.libs/libgomp*.so*")):
        function = ctypes.CDLL(str(library)).GOMP_parallel
        function.argtypes, function.restype = (_CALLED, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None
        return function
    return None


def _teamed(work: Callable[[], None], count: int) -> None:
    failed: list[BaseException] = []

    def once(_: Any) -> None:
        try:
            work()
        except BaseException as error:  # nothing may pass through C
            failed.append(error)

    _parallel()(_CALLED(once), None, count, 0)
    if failed:
        raise failed[0]
