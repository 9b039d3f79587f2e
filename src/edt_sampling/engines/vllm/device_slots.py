"""Slots with a copy of their table on the device; the host never waits for it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edt_sampling.policies.slots import Kind, SlotRows, Slots


class DeviceSlots(Slots):
    """``Slots`` whose table follows to ``device`` at every ``flush`` that finds it changed."""

    def __init__(self, size: int, *, device: torch.device) -> None:
        super().__init__(size)
        self._device, self._sent = device, self.version
        self._copy = self._send()

    def flush(self) -> None:
        """Sends the table to the device where it has changed since it was sent."""
        if self._sent != self.version:
            self._copy, self._sent = self._send(), self.version

    def rows(self, kinds: list[Kind], slots: Any) -> SlotRows:
        """What is in these slots, one a row, as it was at the last ``flush``: an array of their numbers on the device, or a slice."""
        return SlotRows(kinds, self._copy[:, slots], xp=torch)

    def _send(self) -> Tensor:
        host = torch.tensor(self.table)
        if self._device.type == "cuda":
            host = host.pin_memory()  # what is copied from memory that is not pinned makes the host wait
        return host.to(self._device, non_blocking=True)
