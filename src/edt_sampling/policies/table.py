"""The table of policies: built-in ones by name, others' by entry point."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points

from edt_sampling.policies.policy import Policy

BUILT_IN = {
    "edt": "edt_sampling.policies.edt:EDT",
    "fixed": "edt_sampling.policies.fixed:Fixed",
    "dynatemp": "edt_sampling.policies.dynatemp:DynaTemp",
    "instance-edt": "edt_sampling.policies.instance_edt:InstanceEDT",
    "udt": "edt_sampling.policies.udt:UDT",
}
ENTRY_POINTS = "edt_sampling.policies"


def find(name: str) -> type[Policy]:
    """The policy class of this name; entry points are scanned only for a name that is not built in."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()
    close = get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"unknown policy {name!r}; {hint}known: {', '.join(BUILT_IN)}")
