"""``edt export gguf``: a transformers folder as a GGUF file, for llama.cpp."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from edt_sampling.cli.output import say
from edt_sampling.engines.source import BUNDLED, bundled_folder


@click.command(name="gguf")
@click.option("--model", default="bundled", show_default=True, help="a folder with config.json, tokenizer.json and safetensors, or bundled")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="the file to write")
@click.option("--type", "kind", type=click.Choice(["f32", "f16", "bf16"]), default="f32", show_default=True, help="how matrices are kept")
def command(model: str, out: Path, kind: str) -> None:
    """Write a model of Llama's architecture as a GGUF file, for llama.cpp and whatever builds on it.

    Its tokenizer must be byte-level BPE. For any other model there is llama.cpp's own convert_hf_to_gguf.py. The same folder gives the
    same bytes.
    """
    try:
        from edt_sampling.engines.llama_cpp.gguf import Kind, write_gguf
    except ModuleNotFoundError as error:
        raise ImportError(f"edt export gguf needs {error.name}: pip install 'edt-sampling[llama-cpp]'") from None
    folder = str(bundled_folder()) if model == BUNDLED else model
    written = write_gguf(folder, out, kind=cast(Kind, kind))
    say(f"wrote {written}: {written.stat().st_size / 1e6:.1f} MB")
