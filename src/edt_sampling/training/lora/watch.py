"""What is told while a model learns: each step counted, each measurement logged, old checkpoints dropped."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from transformers import TrainerCallback

from edt_sampling.training.lora import checkpoints
from edt_sampling.training.lora.record import Measurement, Record

Tell = Callable[[str], object]
Count = Callable[[int, int], Callable[[], None]]
"""Begins to count, so many of so many done already; returns what to call at each further one."""


class Watch(TrainerCallback):
    """Follows a trainer. The first process alone writes and tells."""

    def __init__(self, record: Record, *, folder: Path, keep: int, first: bool, count: Count, tell: Tell) -> None:
        self._record, self._folder, self._keep, self._first, self._count, self._tell = record, folder, keep, first, count, tell
        self._began, self._before = perf_counter(), record.log[-1]["seconds"] if record.log else 0.0
        self._logged: dict[str, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Begins to count steps."""
        if self._first:
            self._step = self._count(state.global_step, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """A measurement has the train loss of the steps before it."""
        control.should_log = control.should_evaluate
        if self._first:
            self._step()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ARG002
        """Raises ValueError for a train loss that is not a number."""
        if logs and "loss" in logs:
            self._logged = logs
            if not math.isfinite(float(logs["loss"])):
                raise ValueError(f"the train loss is {logs['loss']} at step {state.global_step}: training diverged; lower learning_rate")

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ARG002
        """Logs and tells."""
        if not self._first or metrics is None:
            return
        line = Measurement(
            step=state.global_step,
            epoch=round(float(state.epoch or 0), 4),
            train_loss=self._logged.get("loss"),
            dev_loss=metrics["eval_loss"],
            learning_rate=self._logged.get("learning_rate"),
            tokens=int(state.num_input_tokens_seen),
            seconds=round(self._before + perf_counter() - self._began, 1),
        )
        self._record.add(line)
        self._tell(told(line, total=state.max_steps))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Keeps what is to be kept."""
        if self._first:
            checkpoints.drop(self._folder, self._record.log, keep=self._keep)


def told(line: Measurement, *, total: int) -> str:
    """A measurement in words."""
    train = "" if line["train_loss"] is None else f"train loss {line['train_loss']:.4f}, "
    return f"step {line['step']} of {total}: {train}dev loss {line['dev_loss']:.4f} nats a token, {line['tokens']:,} tokens read"
