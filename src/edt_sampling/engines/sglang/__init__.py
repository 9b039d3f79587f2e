"""SGLang: a custom logit processor that requests name and a server loads from this package."""

from edt_sampling.engines.sglang.processor import EDTLogitProcessor

__all__ = ["EDTLogitProcessor"]
