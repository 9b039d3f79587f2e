"""vLLM: a logits processor that its servers find by themselves, for both of its model runners."""

from edt_sampling.engines.vllm.processor import EDTLogitsProcessor

__all__ = ["EDTLogitsProcessor"]
