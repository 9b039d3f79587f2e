"""What each ablation of the subject's chosen setting asks."""

from __future__ import annotations

from collections.abc import Mapping

from edt_sampling.experiments.findings import Findings, Role
from edt_sampling.reports.notation import named

_QUESTIONS: Mapping[Role, str] = {
    "shuffled": "The chosen setting's own temperatures, dealt out to each text's tokens in random order. "
    "Does it matter when the model is cool, or only how often?",
    "matched entropy": "The fixed temperature whose tempered distributions are as uncertain on average. "
    "Does adapting do more than one temperature can?",
    "matched temperature": "The fixed temperature equal to the chosen setting's mean. This one is confounded: steps of nearly no entropy, "
    "where T does nothing, pull that mean down, so the two differ in more than adapting.",
}


def questions(findings: Findings) -> list[tuple[str, str]]:
    """Each ablation that ran, and what it asks."""
    return [(named(row.method, row.policy), _QUESTIONS[row.role]) for row in findings.rows if row.role in _QUESTIONS]
