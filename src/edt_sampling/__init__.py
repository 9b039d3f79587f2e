"""Entropy-based dynamic temperature sampling. ``import edt_sampling as edt`` pulls in no framework, nor NumPy."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edt_sampling.policies import EDT, UDT, DynaTemp, Fixed, InstanceEDT, KLGuided, Policy, policy
    from edt_sampling.sampling import Draw, Filters, draw, entropy, noise_keys, sample, temperature, uniforms

__version__ = "0.1.0"

_HOMES = {
    "edt_sampling.policies": ("EDT", "UDT", "DynaTemp", "Fixed", "InstanceEDT", "KLGuided", "Policy", "policy"),
    "edt_sampling.sampling": ("Draw", "Filters", "draw", "entropy", "noise_keys", "sample", "temperature", "uniforms"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["EDT", "UDT", "Draw", "DynaTemp", "Filters", "Fixed", "InstanceEDT", "KLGuided", "Policy"]
__all__ += ["draw", "entropy", "noise_keys", "policy", "sample", "temperature", "uniforms"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
