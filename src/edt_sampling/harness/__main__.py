"""``python -m edt_sampling.harness``: the harness's own command line, ``lm_eval``, which knows the model type ``edt`` here."""

from __future__ import annotations

from lm_eval.__main__ import cli_evaluate

from edt_sampling.harness import model  # noqa: F401  # pyright: ignore[reportUnusedImport] - importing it registers the model type

cli_evaluate()
