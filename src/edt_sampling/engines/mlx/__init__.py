"""MLX through mlx-lm: a logits processor, a sampler, mlx-lm's server with policies, and an engine of our own."""

from edt_sampling.engines.mlx.loading import load
from edt_sampling.engines.mlx.model import MlxModel
from edt_sampling.engines.mlx.processor import PolicyLogitsProcessor, decoding
from edt_sampling.engines.mlx.sampler import PolicySampler

__all__ = ["MlxModel", "PolicyLogitsProcessor", "PolicySampler", "decoding", "load"]
