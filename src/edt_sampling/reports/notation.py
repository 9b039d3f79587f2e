"""How the page writes columns, settings and numbers."""

from __future__ import annotations

from typing import TypeGuard

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.measures import label
from edt_sampling.experiments.verdict import p_value

_HEADS = {
    "eda_quality": "EDA quality",
    "eda_diversity": "EDA diversity",
    "length": "length",
    "truncated": "cut",
    "temperature": "T",
    "entropy": "H",
    "cold": "T < 0.05",
}
_DIGITS = {"eda": 1, "eda_quality": 1, "eda_diversity": 1, "length": 1, "truncated": 2, "temperature": 2, "entropy": 2, "cold": 2}
_FIXED = "fixed:temperature="
NONE = "–"


def head(column: str) -> str:
    """A column's name as readers know it: ``rouge_l`` is ROUGE-L."""
    return _HEADS.get(column, label(column))


def setting(policy: str) -> str:
    """A policy's parameters: ``t0=0.8, theta=1``, ``T 0.6`` for a fixed temperature, nothing for a policy that has none."""
    if policy.startswith(_FIXED):
        return f"T {policy.removeprefix(_FIXED)}"
    return policy.partition(":")[2].replace(",", ", ")


def named(method: str, policy: str) -> str:
    """A setting with its method."""
    return f"{method} {setting(policy)}".rstrip()


def number(value: float | None, column: str = "") -> str:
    """A value of a column: fractions to three digits without their leading zero, counts and points with fewer."""
    if not known(value):
        return NONE
    return _plain(value, _DIGITS.get(column, 3))


def fixed(value: float | None, digits: int = 2) -> str:
    """A value to so many digits, with its leading zero: temperatures, nats."""
    return _minus(f"{_rounded(value, digits):.{digits}f}") if known(value) else NONE


def signed(value: float | None, column: str = "") -> str:
    """A difference: always with its sign, one digit more than its column has."""
    return _signed_to(value, _DIGITS.get(column, 3) + 1) if known(value) else NONE


def size(value: float | None, column: str = "") -> str:
    """How large a difference is, to as many digits as ``signed``."""
    return signed(value, column).removeprefix("+")


def estimate(found: Estimate | None, column: str = "") -> str:
    """A mean with the ends of its interval, if it has one: ``.209 [.198, .220]``."""
    if found is None:
        return NONE
    return number(found.mean, column) + _ends(number(found.low, column), number(found.high, column))


def difference(found: Estimate | None, column: str = "") -> str:
    """A difference with the ends of its interval: ``+.0083 [+.0021, +.0152]``."""
    if found is None:
        return NONE
    return signed(found.mean, column) + _ends(signed(found.low, column), signed(found.high, column))


def value(column: str, found: Estimate | None) -> str:
    """A cell of the table of settings: its effect is a difference, the rest are values."""
    return difference(found) if column == "effect" else estimate(found, column)


def probability(p: float | None) -> str:
    """A p value to three digits; ``< .001`` below."""
    return p_value(p) if known(p) else NONE


def correlation(found: Estimate | None) -> str:
    """A correlation with the ends of its interval: ``+0.41 [−0.02, +0.70]``."""
    if found is None:
        return NONE
    mean, low, high = (NONE if value is None else _signed_to(value, 2) for value in (found.mean, found.low, found.high))
    return mean + _ends(low, high)


def percent(share: float) -> str:
    """A share in whole percent, ``< 1%`` where that would say none."""
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _ends(low: str, high: str) -> str:
    return "" if NONE in (low, high) else f" [{low}, {high}]"


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number: neither None nor nan."""
    return value is not None and value == value


def _signed_to(value: float, digits: int) -> str:
    sign = "\N{MINUS SIGN}" if _rounded(value, digits) < 0 else "+"
    return sign + _plain(abs(value), digits)


def _plain(value: float, digits: int) -> str:
    text = f"{_rounded(value, digits):.{digits}f}"
    return _minus(text.replace("-0.", "-.").removeprefix("0") if digits > 2 else text)


def _rounded(value: float, digits: int) -> float:
    """Without a zero's minus sign."""
    return round(value, digits) + 0.0


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
