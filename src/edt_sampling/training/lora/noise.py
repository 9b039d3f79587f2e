"""The libraries' own warnings, bars and reports, held back while ours are shown."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager

from datasets import disable_progress_bars, enable_progress_bars
from transformers.utils import logging as transformers_logging

LOGGERS = ("transformers", "trl", "peft", "accelerate", "datasets", "torch.distributed")


@contextmanager
def quiet() -> Generator[None]:
    """Errors alone come through."""
    shown, before = transformers_logging.is_progress_bar_enabled(), {name: logging.getLogger(name).level for name in LOGGERS}
    transformers_logging.disable_progress_bar()
    disable_progress_bars()
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        enable_progress_bars()
        if shown:
            transformers_logging.enable_progress_bar()
