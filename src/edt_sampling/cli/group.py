"""The table of sub-commands, each imported only when it is called, so that ``edt --help`` is fast."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """Where a command lives (as attribute ``command`` of a module), and its line in ``edt --help``."""

    module: str
    help: str


COMMANDS = {
    "compare": Entry("edt_sampling.cli.compare", "Does a sampling method help on a model and a task? The verdict and its page."),
    "export": Entry("edt_sampling.cli.export", "Write everything that a run holds as JSON lines."),
    "generate": Entry("edt_sampling.cli.generate", "Generate text, each token coloured by its temperature."),
    "report": Entry("edt_sampling.cli.report", "Draw a run as one HTML page that opens offline."),
}


class Commands(click.Group):
    """A group whose commands are those of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = COMMANDS.get(cmd_name)
        return import_module(entry.module).command if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])
