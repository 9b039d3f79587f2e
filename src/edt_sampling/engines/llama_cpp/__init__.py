"""llama.cpp through llama-cpp-python: a sampler in its own chain, and an engine on GGUF files."""

from edt_sampling.engines.llama_cpp.chain import Chain
from edt_sampling.engines.llama_cpp.llama import PolicyLlama
from edt_sampling.engines.llama_cpp.loading import load
from edt_sampling.engines.llama_cpp.processor import PolicyProcessor
from edt_sampling.engines.llama_cpp.sampler import DrawingSampler, PolicySampler

__all__ = ["Chain", "DrawingSampler", "PolicyLlama", "PolicyProcessor", "PolicySampler", "load"]
