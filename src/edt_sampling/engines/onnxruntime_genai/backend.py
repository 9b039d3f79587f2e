"""Where GenAI's logits are computed with: they come as NumPy arrays."""

from typing import cast

from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import Backend

BACKEND = cast(Backend, reference)
