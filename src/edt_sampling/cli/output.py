"""What commands print: tables on standard output, lines on standard error."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType

WIDTH = 100


def show(renderable: RenderableType) -> None:
    """Prints tables on standard output, never too narrow for them."""
    console = Console(highlight=False, soft_wrap=False)
    console.width = max(console.width, WIDTH)
    console.print(renderable)


def say(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr, flush=True)


def warn(line: str) -> None:
    """A warning there."""
    say(f"edt: warning: {line}")
