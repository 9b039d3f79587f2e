"""The table of policies."""

from __future__ import annotations

from edt_sampling.plugins import Table

POLICIES = Table(
    "policy",
    "edt_sampling.policies",
    {
        "edt": "edt_sampling.policies.edt:EDT",
        "fixed": "edt_sampling.policies.fixed:Fixed",
        "dynatemp": "edt_sampling.policies.dynatemp:DynaTemp",
        "instance-edt": "edt_sampling.policies.instance_edt:InstanceEDT",
        "udt": "edt_sampling.policies.udt:UDT",
        "scheduled": "edt_sampling.policies.scheduled:Scheduled",
    },
)
