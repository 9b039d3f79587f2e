"""``edt export onnx``: a model for ONNX Runtime GenAI."""

from __future__ import annotations

from pathlib import Path

import click

from edt_sampling.cli.output import say


@click.command(name="onnx")
@click.option("--model", default="bundled", show_default=True, help="a folder, a hub id, or bundled")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="folder to write, new or empty")
@click.option(
    "--precision", type=click.Choice(["fp32", "fp16", "bf16", "int8", "int4"]), default="fp32", show_default=True, help="of the weights"
)
@click.option("--provider", default="cpu", show_default=True, help="what runs it: cpu, cuda, dml, webgpu, ...")
def command(model: str, out: Path, precision: str, provider: str) -> None:
    """Write a model of transformers' format as ONNX, by the builder of ONNX Runtime GenAI.

    The folder is what load_engine("onnxruntime-genai", model=...) and onnxruntime_genai itself read. Needs torch, transformers, onnx and
    onnx-ir.
    """
    from edt_sampling.engines.onnxruntime_genai.builder import export

    export(model, out=out, precision=precision, provider=provider)
    say(f"wrote {out}")
