"""Policies as users give them to a batch: one for all rows, or one a row."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.policies import Policy, policy
from edt_sampling.sampling.contract import check_kept

Policies = str | Policy | Sequence[str | Policy]


def read_policies(policies: Policies, *, keeps: frozenset[str], keeper: str) -> list[Policy]:
    """One policy or spec string, or a sequence of them, as a list; refused where one needs a statistic that ``keeper`` does not keep."""
    read = [policy(p) for p in ([policies] if isinstance(policies, str | Policy) else policies)]
    if not read:
        raise ValueError("policies must hold at least one policy, got an empty list")
    check_kept(read, keeps, keeper=keeper)
    return read


def one_a_row(policies: Sequence[Policy], rows: int) -> Sequence[Policy]:
    """The policies, one a row; a lone one serves every row."""
    if len(policies) not in (1, rows):
        raise ValueError(f"policies must be one, or one a row: got {len(policies)} for {rows} rows")
    return list(policies) * rows if len(policies) == 1 else policies
