"""Versions of installed packages, without their local part: 2.13.0+cpu and 2.13.0 document the same functions."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str | None:
    """The public version of an installed distribution; None where it is not installed."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return None
