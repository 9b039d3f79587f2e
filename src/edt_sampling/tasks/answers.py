"""Questions that a passage answers, and questions that it does not: what the two question tasks share."""

from __future__ import annotations

from edt_sampling.tasks.template import LeftOut

NO_ANSWER = "No Answer Present."
"""The reference of a question without an answer: MS MARCO's own words for it, from its version 2.1 on."""

ANSWERABLE = ("yes", "no", "both")
ANSWERABLE_HELP = "yes: questions that the source answers; no: those that it does not; both; default yes"
_HINT = f" If the answer is not there, write: {NO_ANSWER}"


def hint(answerable: str) -> str:
    """What the instruction says besides, where unanswerable questions are asked."""
    return "" if answerable == "yes" else _HINT


def asked(answers: list[str], answerable: str) -> list[str] | LeftOut:
    """The references of a question with these answers (none: it has no answer), or the rule by which it is left out."""
    if answerable not in ("both", "yes" if answers else "no"):
        return LeftOut("it has an answer" if answers else "it has no answer")
    return answers or [NO_ANSWER]
