"""trl's trainer, with a dev loss that is exact, checkpoints that can be moved, and nothing sent or printed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from trl.trainer.sft_trainer import SFTTrainer

from edt_sampling.engines.transformers.adapters import CONFIG
from edt_sampling.training.lora.examples import IGNORED
from edt_sampling.training.lora.packing import read_tokens


class LoraTrainer(SFTTrainer):
    """Trains LoRA's weights; ``base_name`` is what its checkpoints call the model that they belong to."""

    base_name: str = ""
    _nats = 0.0
    _tokens = 0

    def prediction_step(self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None) -> tuple[Any, None, None]:  # noqa: ARG002
        """A batch of dev rows: adds up the nats of their answers' tokens."""
        inputs = self._prepare_inputs(inputs)
        learnt = int((inputs["labels"][:, 1:] != IGNORED).sum())
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        if learnt:
            self._nats += float(loss) * learnt
            self._tokens += learnt
        return loss.detach(), None, None

    def evaluation_loop(self, *arguments: Any, **options: Any) -> Any:
        """All dev rows. The loss is nats a token over all of them, on all processes: transformers' own is a mean of means, which
        depends on how the rows fall into batches.

        Raises ValueError for a loss that is not a number.
        """
        self._nats, self._tokens = 0.0, 0
        output: Any = super().evaluation_loop(*arguments, **options)
        sums = torch.tensor([self._nats, self._tokens], dtype=torch.float64)
        if self.accelerator.num_processes > 1:
            sums = self.accelerator.reduce(sums.to(self.accelerator.device), reduction="sum")
        loss = float(sums[0] / sums[1])
        if not math.isfinite(loss):
            raise ValueError(f"the dev loss is {loss} at step {self.state.global_step}: training diverged; lower learning_rate")
        output.metrics[f"{options.get('metric_key_prefix', 'eval')}_loss"] = loss
        return output

    def _track_num_input_tokens(self, inputs: Any) -> None:
        """Counts what is read; transformers would count the padding of packed rows."""
        read = read_tokens(inputs["position_ids"]) if "position_ids" in inputs else inputs["attention_mask"].sum()
        gathered: Any = self.accelerator.gather(read)
        self.state.num_input_tokens_seen += int(gathered.sum())

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        if self.args.should_save and output_dir is not None:
            name_base(Path(output_dir), self.base_name)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: training.json says more."""

    def _send_telemetry(self) -> None:
        """None is sent."""


def name_base(folder: Path, base: str) -> None:
    """Writes into an adapter's folder which model it belongs to, and removes peft's card, which names a folder of this machine.

    Layers are put in order: peft writes a set, and equal trainings would have unequal files.
    """
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": base, "target_modules": sorted(config["target_modules"])}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").unlink(missing_ok=True)
