"""Operations for which a host waits."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class Waits(TorchDispatchMode):
    """Takes down the operations for which the host would wait for a device, or that a CUDA graph cannot hold."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal", "lift_fresh")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(name in str(func) for name in self.WAITING):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))
