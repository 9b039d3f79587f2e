"""Where ``edt`` begins, and where every expected failure ends: in one line on standard error and a non-zero exit."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence

import click

from edt_sampling import __version__
from edt_sampling.cli.group import Commands

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edt")
@click.pass_context
def edt(context: click.Context) -> None:
    """Entropy-based dynamic temperature sampling: try it, and see whether it helps on your model and task."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns the exit status: 2 for bad input, 1 for another expected failure, 130 for an interrupt.

    What can be expected to go wrong (ValueError, ImportError, OSError, SQLite's errors) is told in one line; anything else is a
    bug and keeps its traceback. With EDT_DEBUG=1 in the environment everything does.
    """
    try:
        return int(edt.main(args=arguments, prog_name="edt", standalone_mode=False) or 0)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (click.ClickException, ValueError, ImportError, OSError, sqlite3.Error) as error:
        if os.environ.get("EDT_DEBUG") == "1":
            raise
        return _fail(error)


def _fail(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):  # the reader of our output has had enough: nothing to say, and nowhere to say it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    print(f"edt: {' '.join(_told(error).split())}", file=sys.stderr)
    return BAD_INPUT if isinstance(error, click.UsageError | ValueError | FileNotFoundError) else FAILED


def _told(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
