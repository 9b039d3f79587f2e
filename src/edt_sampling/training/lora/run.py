"""A fine-tuning from its material to the model in its folder; stopped at any moment, the same goes on from the last checkpoint."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback

from edt_sampling.engines.transformers.loading import read_model, read_tokenizer
from edt_sampling.store import differences
from edt_sampling.store.lock import held
from edt_sampling.training.lora import checkpoints, result
from edt_sampling.training.lora.arguments import arguments, four_bits, lora, number_format
from edt_sampling.training.lora.environment import environment
from edt_sampling.training.lora.examples import blanks
from edt_sampling.training.lora.material import Material
from edt_sampling.training.lora.noise import quiet
from edt_sampling.training.lora.packing import PackedRows, check_separation, dataset, packed
from edt_sampling.training.lora.record import Record
from edt_sampling.training.lora.trainer import LoraTrainer
from edt_sampling.training.lora.watch import Count, Tell, Watch


@dataclass(frozen=True, kw_only=True)
class Session:
    """A fine-tuning at work. ``processes`` share it; the ``first`` of them alone tells, counts and writes."""

    material: Material
    folder: Path
    count: Count
    tell: Tell
    warn: Tell
    trust_remote_code: bool = False
    processes: int = 1
    first: bool = True

    def run(self) -> Record:
        """Learns what is not learnt yet, and writes the model where it is not written as the recipe wants it; returns what happened.

        Raises ValueError for a recipe that does not fit the model or the processes, or where training diverges; OSError where the model
        cannot be read, and StoreLockedError where another process trains in this folder.
        """
        if self.material.recipe.threads is not None:
            torch.set_num_threads(self.material.recipe.threads)
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder) if self.first else nullcontext(), quiet():
            record = Record(self.folder)
            if self._learnt():
                self.tell("all steps are done")
            else:
                self._learn(record)
            if self.first:
                self._write(record)
        return record

    def _learnt(self) -> bool:
        saved = checkpoints.steps(self.folder)
        return bool(saved) and checkpoints.is_last(self.folder, saved[-1])

    def _learn(self, record: Record) -> None:
        saved = checkpoints.steps(self.folder)
        resumed = saved[-1] if saved else 0
        trainer = self._trainer(record, resumed)
        if self.first:
            trained, every = trainer.model.get_nb_trainable_parameters()
            facts = self.material.facts() | {"parameters": {"trained": trained, "all": every}}
            now = environment(trainer)
            before = record.begin(facts, step=resumed, environment=now)
            self.tell(f"{trained:,} of {every:,} parameters learn" + (f"; going on from step {resumed}" if resumed else ""))
            if changes := differences(before, now) if before else []:
                self.warn(f"this start differs from the last one: {', '.join(changes)}")
        trainer.train(resume_from_checkpoint=str(checkpoints.path_of(self.folder, resumed)) if resumed else None)
        trainer.accelerator.wait_for_everyone()
        trainer.accelerator.free_memory()
        del trainer
        gc.collect()

    def _trainer(self, record: Record, resumed: int) -> Any:
        material, recipe = self.material, self.material.recipe
        args = arguments(recipe, self.folder, processes=self.processes)  # begins the talk between processes, so before the model
        args.eval_on_start = not resumed
        model = self._base(four_bit=recipe.four_bit)
        if recipe.packing and self.first:
            check_separation(model, material.train.rows, name=recipe.model)
        tokenizer = material.tokenizer
        padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        dev = [*material.dev.rows, *blanks(material.dev.rows, args.per_device_eval_batch_size * self.processes)]
        watch = Watch(record, folder=self.folder, keep=recipe.keep, first=self.first, count=self.count, tell=self.tell)
        trainer = LoraTrainer(
            model=model,
            args=args,
            train_dataset=packed(material.train.rows, material.max_length or 0) if recipe.packing else dataset(material.train.rows),
            eval_dataset=dataset(dev),
            processing_class=tokenizer,
            data_collator=PackedRows(padding) if recipe.packing else None,
            peft_config=lora(recipe),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.base_name = material.base
        return trainer

    def _base(self, *, four_bit: bool = False) -> Any:
        recipe = self.material.recipe
        options: dict[str, Any] = {"quantization_config": four_bits()} if four_bit else {}
        return read_model(
            self.material.source,
            name=recipe.model,
            dtype=number_format(recipe),
            trust_remote_code=self.trust_remote_code,
            **options,
        )

    def _write(self, record: Record) -> None:
        recipe = self.material.recipe
        kind = "merged" if recipe.merge else "adapter"
        if record.written == kind:
            return
        given = checkpoints.chosen(record.log, checkpoints.steps(self.folder), best=recipe.best)
        tokenizer = read_tokenizer(self.material.source, name=recipe.model, trust_remote_code=self.trust_remote_code)
        checkpoint = checkpoints.path_of(self.folder, given["step"])
        result.write(self.folder, checkpoint, base=self._base() if recipe.merge else None, tokenizer=tokenizer)
        record.finish(step=given["step"], why="best on dev" if recipe.best else "last", dev_loss=given["dev_loss"], written=kind)
