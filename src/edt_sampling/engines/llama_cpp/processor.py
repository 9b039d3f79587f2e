"""A logits processor for llama-cpp-python's own ``logits_processor``, where no more than that can be passed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edt_sampling.engines.llama_cpp.tempering import Tempering
from edt_sampling.engines.llama_cpp.text import Steps
from edt_sampling.policies import Policy


class PolicyProcessor:
    """Divides the scores of every step by the temperature that the policy, or its spec string, gives them: all of it, t0 included.

    llama-cpp-python runs processors before its penalties and grammar, and tempers again at the end, by 0.8 where nobody says otherwise:
    pass ``temperature=1.0``. One processor serves one text; ``reset`` begins another.

        llama(prompt, logits_processor=LogitsProcessorList([PolicyProcessor("edt:t0=0.8,theta=0.2")]), temperature=1.0)

    What goes wrong in a step cannot leave llama-cpp-python's callback: it prints the error and goes on with untempered scores.
    """

    def __init__(self, policy: str | Policy) -> None:
        self._tempering = Tempering(policy)

    def __call__(self, input_ids: Sequence[int], scores: np.ndarray) -> np.ndarray:
        tempered = np.array(scores, dtype=np.float32)
        self._tempering.apply(tempered)
        self._tempering.accept()
        return tempered

    @property
    def steps(self) -> Steps:
        """H and T of each step so far."""
        return self._tempering.steps

    def reset(self) -> None:
        """Begins another text."""
        self._tempering.reset()
