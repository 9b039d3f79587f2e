"""The command ``edt``: one small file a sub-command, imported when it is called."""

from edt_sampling.cli.entry import main

__all__ = ["main"]
