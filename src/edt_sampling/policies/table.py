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
        "instance-edt-prompt": "edt_sampling.policies.instance_edt:PromptEDT",
        "instance-edt-draft": "edt_sampling.policies.instance_edt:DraftEDT",
        "instance-edt-running": "edt_sampling.policies.instance_edt:RunningEDT",
        "udt": "edt_sampling.policies.udt:UDT",
        "udt-margin": "edt_sampling.policies.udt:MarginUDT",
        "udt-varentropy": "edt_sampling.policies.udt:VarentropyUDT",
        "kl-guided": "edt_sampling.policies.kl_guided:KLGuided",
        "scheduled": "edt_sampling.policies.scheduled:Scheduled",
    },
)
