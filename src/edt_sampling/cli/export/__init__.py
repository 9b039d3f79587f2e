"""``edt export``: models for other engines, and runs as text; one small file a format."""

from __future__ import annotations

import click

from edt_sampling.cli.group import Commands, Entry

FORMATS = {
    "texts": Entry("edt_sampling.cli.export.texts", "Everything that a run holds as JSON lines."),
    "gguf": Entry("edt_sampling.cli.export.gguf", "A model as GGUF, for llama.cpp."),
    "onnx": Entry("edt_sampling.cli.export.onnx", "A model as ONNX, for ONNX Runtime GenAI."),
    "custom-generate": Entry("edt_sampling.cli.export.custom_generate", "A folder to push to the Hub, with which transformers decodes."),
}


@click.group(name="export", cls=Commands, table=FORMATS)
def command() -> None:
    """Write a model for another engine, or a run as JSON lines."""
