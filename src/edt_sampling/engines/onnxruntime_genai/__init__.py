"""ONNX Runtime GenAI: a step for the user's own loop, a loop with our draw, and an engine of our own."""

from edt_sampling.engines.onnxruntime_genai.builder import export
from edt_sampling.engines.onnxruntime_genai.generation import generate
from edt_sampling.engines.onnxruntime_genai.loading import load
from edt_sampling.engines.onnxruntime_genai.model import OnnxModel
from edt_sampling.engines.onnxruntime_genai.temper import PolicyTemper

__all__ = ["OnnxModel", "PolicyTemper", "export", "generate", "load"]
