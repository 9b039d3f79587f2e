"""The training loop: Muon for the matrices, AdamW for the rest, checkpoints, exact resume."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import LlamaForCausalLM

from edt_sampling.training.batches import Batch, Text, batches


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast. The rate rises, stays, and falls linearly to 0 over the last ``decay`` of the tokens,
    so that a run can be resumed with another total as long as its rate has not begun to fall."""

    total_tokens: int
    batch_tokens: int = 8192
    warmup_tokens: int = 500_000
    decay: float = 0.4
    matrix_rate: float = 0.02
    other_rate: float = 3e-3
    prompt_weight: float = 0.4
    seed: int = 0

    def rate(self, tokens: int) -> float:
        """The share of the full learning rate after ``tokens`` tokens."""
        falling = (self.total_tokens - tokens) / (self.decay * self.total_tokens)
        return max(0.0, min(1.0, tokens / self.warmup_tokens + 0.01, falling))


@dataclass
class Progress:
    """Where a run stands."""

    epoch: int = 0
    batch: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Trainer:
    """Trains a causal model on texts; ``folder`` holds its checkpoint and its log."""

    def __init__(
        self,
        model: LlamaForCausalLM,
        summaries: Sequence[Text],
        questions: Sequence[Sequence[Text]],
        *,
        schedule: Schedule,
        folder: Path,
        compile: bool = True,
    ) -> None:
        self.model, self.schedule, self.folder = model, schedule, folder
        self.summaries, self.questions = summaries, questions
        matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
        self.optimizers = (
            torch.optim.Muon(matrices, lr=schedule.matrix_rate, weight_decay=0.05, adjust_lr_fn="original"),
            torch.optim.AdamW(others, lr=schedule.other_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
        )
        self.loss = torch.compile(self._loss, dynamic=True) if compile else self._loss
        self.progress = Progress()
        self._load()

    def run(self, *, dev: Sequence[Batch], report: Callable[[dict[str, float]], None], save_every: float = 600.0) -> None:
        """Trains to the schedule's end; saves every ``save_every`` seconds, measures the dev loss with each save."""
        started, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        while self.progress.tokens < self.schedule.total_tokens:
            for batch in itertools.islice(self._epoch(self.progress.epoch), self.progress.batch, None):
                loss = self._step(batch)
                self.progress.batch += 1
                self.progress.tokens += int((batch.weight > 0).sum())
                self.progress.seconds = time.monotonic() - started
                if self.progress.batch % 50 == 0:
                    report({"loss": loss, "rate": self.schedule.rate(self.progress.tokens), **asdict(self.progress)})
                if time.monotonic() - saved > save_every:
                    self.save()
                    report({"dev_loss": self.evaluate(dev), **asdict(self.progress)})
                    saved = time.monotonic()
                if self.progress.tokens >= self.schedule.total_tokens:
                    break
            else:
                self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
        self.save()
        report({"dev_loss": self.evaluate(dev), **asdict(self.progress)})

    def evaluate(self, dev: Sequence[Batch]) -> float:
        """Nats a token of the answers."""
        total = count = 0.0
        with torch.no_grad():
            for batch in dev:
                weight = float(batch.weight[:, 1:].sum())
                total, count = total + float(self.loss(*batch)) * weight, count + weight
        return total / count

    def save(self) -> None:
        """Writes the checkpoint beside the old one, then takes its place."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "progress": asdict(self.progress),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.folder / "checkpoint.pt.new")
        os.replace(self.folder / "checkpoint.pt.new", self.folder / "checkpoint.pt")

    def _load(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(**state["progress"])

    def _epoch(self, epoch: int) -> Iterator[Batch]:
        """All summaries, and one question of each docstring, drawn anew each epoch."""
        rng = np.random.default_rng([self.schedule.seed, epoch])
        texts = [*self.summaries, *(q[int(rng.integers(len(q)))] for q in self.questions)]
        return batches(texts, tokens=self.schedule.batch_tokens, prompt_weight=self.schedule.prompt_weight, rng=rng)

    def _step(self, batch: Batch) -> float:
        loss = self.loss(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        share = self.schedule.rate(self.progress.tokens)
        for optimizer, rate in zip(self.optimizers, (self.schedule.matrix_rate, self.schedule.other_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _loss(self, tokens: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(input_ids=tokens, use_cache=False).logits
        nats = functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten(), reduction="none")
        weight = weight[:, 1:].flatten()
        return (nats * weight).sum() / weight.sum()


def log_to(path: Path) -> Callable[[dict[str, float]], None]:
    """A report that appends JSON lines to a file and prints them."""

    def report(values: dict[str, float]) -> None:
        line = json.dumps({k: round(v, 4) for k, v in values.items()})
        with path.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)

    return report
