"""Servers that speak OpenAI's HTTP interface: vLLM with our plug-in for every policy, any other for fixed temperatures."""

from edt_sampling.engines.openai.engine import OpenAIEngine
from edt_sampling.engines.openai.loading import load

__all__ = ["OpenAIEngine", "load"]
