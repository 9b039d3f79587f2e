"""The table of sub-commands, each imported only when it is called, so that ``edt --help`` is fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Entry(NamedTuple):
    """Where a command lives (as attribute ``command`` of a module), and its line in ``edt --help``."""

    module: str
    help: str


COMMANDS = {
    "compare": Entry("edt_sampling.cli.compare", "Does a sampling method help on a model and a task? The verdict and its page."),
    "conformance": Entry("edt_sampling.cli.conformance", "Does every engine make the same of the same logits, and of the same model?"),
    "cost": Entry("edt_sampling.cli.cost", "What settings cost: seconds a token and memory, by turns on the same prompts."),
    "diagnose": Entry("edt_sampling.cli.diagnose", "Is entropy a good proxy for confidence, and do policies act where they should?"),
    "export": Entry("edt_sampling.cli.export", "A model for another engine: GGUF, ONNX, custom_generate; a run as JSON lines."),
    "failures": Entry("edt_sampling.cli.failures", "Where a run fails: texts picked by rule."),
    "generate": Entry("edt_sampling.cli.generate", "Generate text, each token coloured by its temperature."),
    "harness": Entry("edt_sampling.cli.harness", "Tasks of lm-evaluation-harness under several policies, on the same documents."),
    "report": Entry("edt_sampling.cli.report", "Draw a run as one HTML page that opens offline."),
    "scale": Entry("edt_sampling.cli.scale", "Does a method's effect depend on the model's size, or on its training?"),
    "sweep": Entry("edt_sampling.cli.sweep", "What T0 and theta do: maps against the fixed temperatures, a task each."),
    "tasks": Entry("edt_sampling.cli.tasks", "List the tasks; show one example of a task, and where it comes from."),
    "train": Entry("edt_sampling.cli.train", "Fine-tune a model with LoRA on a task, from a recipe."),
}


class Commands(click.Group):
    """A group whose commands are those of a table, the one of ``edt`` by default."""

    def __init__(self, *args: Any, table: Mapping[str, Entry] = COMMANDS, **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = self._table.get(cmd_name)
        return import_module(entry.module).command if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._table.items()])
