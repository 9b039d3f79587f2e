"""Which failures of a call pass, how long to wait for that, and what those that do not pass are called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import uniform

from openai import APIConnectionError, APIStatusError, APITimeoutError

FIRST, LONGEST = 0.5, 60.0
"""Seconds: the wait before the first retry, which doubles from one to the next, and the longest that it grows to."""
PATIENCE = 600.0
"""Seconds: a server that asks to be left alone for longer is not waited for."""
PASSING = {408, 409, 429}
"""HTTP statuses, besides 500 and above, that a later try may not meet."""


class UnfinishedError(Exception):
    """The server answered with a text that it did not finish: it was shut down, or gave the request up."""


Failure = APIConnectionError | APIStatusError | UnfinishedError
FAILURES = (APIConnectionError, APIStatusError, UnfinishedError)


def passes(failure: Failure) -> bool:
    """Whether the same call may succeed later: there was no connection, no answer in time, or one that says so."""
    if not isinstance(failure, APIStatusError):
        return True
    return (failure.status_code in PASSING or failure.status_code >= 500) and (asked_for(failure) or 0) <= PATIENCE


def wait(failure: Failure, *, attempt: int) -> float:
    """Seconds before try ``attempt`` + 1, counted from 0: what the server asks for, else between half and all of FIRST * 2 ** attempt."""
    asked = asked_for(failure)
    return min(LONGEST, FIRST * 2**attempt) * uniform(0.5, 1) if asked is None else asked


def asked_for(failure: Failure) -> float | None:
    """The seconds of the answer's ``Retry-After-Ms`` or ``Retry-After``, which may be a date; None where it has neither."""
    headers: Mapping[str, str] = failure.response.headers if isinstance(failure, APIStatusError) else {}
    milliseconds, given = headers.get("retry-after-ms"), headers.get("retry-after")
    if milliseconds is not None and milliseconds.isdecimal():
        return int(milliseconds) / 1000
    return None if given is None else _seconds(given)


def _seconds(given: str) -> float | None:
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def told(failure: Failure, *, url: str, tries: int) -> Exception:
    """The failure in one line: PermissionError for a key that is refused, ValueError for a request that is, else ConnectionError."""
    said = words(failure)
    if isinstance(failure, APIStatusError) and failure.status_code in (401, 403):
        return PermissionError(f"the server at {url} refuses the key ({failure.status_code}): {said}; give api_key, or set OPENAI_API_KEY")
    if isinstance(failure, APIStatusError) and failure.status_code < 500 and failure.status_code not in PASSING:
        return ValueError(f"the server at {url} refuses the request ({failure.status_code}): {said}")
    if (asked := asked_for(failure) or 0) > PATIENCE:
        return ConnectionError(f"the server at {url} asks not to be called for {asked:.0f} s: {said}; try again then")
    return ConnectionError(f"the server at {url} gave no text (tries: {tries}), the last time: {said}")


def words(failure: Failure) -> str:
    """What the server says is wrong, on one line; or what happened to the connection."""
    if isinstance(failure, APITimeoutError):
        return "no answer in time"
    if isinstance(failure, APIConnectionError):
        return f"no connection ({failure.__cause__ or failure})"
    if isinstance(failure, UnfinishedError):
        return str(failure)
    body = failure.body
    said = next((body[name] for name in ("message", "detail") if body.get(name)), body) if isinstance(body, Mapping) else body
    return " ".join(str(said or failure.message).split())
