"""PyTorch tensors on a GPU, float32, by Triton kernels: statistics, tempering in place, and draws for which the host never waits.

Nothing is raised for what a row holds, because that would need the device to be waited for: see ``draw`` and ``temper_``.
"""

from edt_sampling.sampling.triton_draw import draw, supports
from edt_sampling.sampling.triton_gumbel import gumbel_draw
from edt_sampling.sampling.triton_statistics import read
from edt_sampling.sampling.triton_tempering import temper_

__all__ = ["draw", "gumbel_draw", "read", "supports", "temper_"]
