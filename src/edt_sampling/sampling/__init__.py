"""How a row of logits becomes a token: statistics, then the policy's temperature, then the draw; one backend a file."""

from edt_sampling.sampling.contract import Draw
from edt_sampling.sampling.dispatch import draw, entropy, sample, temperature
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.gumbel import noise_keys
from edt_sampling.sampling.philox import uniforms
from edt_sampling.sampling.statistics import Statistics

__all__ = ["Draw", "Filters", "Statistics", "draw", "entropy", "noise_keys", "sample", "temperature", "uniforms"]
