"""The model that is given in the end: a checkpoint's adapter, or its base model with the adapter's weights added."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from edt_sampling.engines.transformers.adapters import CONFIG, WEIGHTS, merged

MODEL = "model"


def write(folder: Path, checkpoint: Path, *, base: Any | None, tokenizer: Any) -> Path:
    """Writes a checkpoint's model to ``model`` in the folder, at once, in the place of what is there; returns where.

    ``base``: the model to merge the adapter into; None: the adapter alone.
    """
    target, new = folder / MODEL, folder / f"{MODEL}.new"
    shutil.rmtree(new, ignore_errors=True)
    if base is None:
        new.mkdir()
        for name in (CONFIG, WEIGHTS):
            shutil.copy2(checkpoint / name, new / name)
    else:
        merged(base, str(checkpoint)).save_pretrained(new)
    tokenizer.save_pretrained(new)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(new, target)
    return target
