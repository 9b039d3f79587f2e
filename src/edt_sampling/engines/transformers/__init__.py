"""Hugging Face transformers, in three forms: a logits processor, a ``custom_generate`` callable, and an engine of our own."""

from edt_sampling.engines.transformers.custom_generate import policy_generate
from edt_sampling.engines.transformers.engine import TransformersEngine
from edt_sampling.engines.transformers.loading import load
from edt_sampling.engines.transformers.processor import PolicyLogitsProcessor, decoding

__all__ = ["PolicyLogitsProcessor", "TransformersEngine", "decoding", "load", "policy_generate"]
