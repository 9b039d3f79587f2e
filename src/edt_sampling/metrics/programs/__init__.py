"""Running programs that a model wrote, each in a limited process of its own."""

from edt_sampling.metrics.programs.trials import Limits, passed, trial, unenforced

__all__ = ["Limits", "passed", "trial", "unenforced"]
