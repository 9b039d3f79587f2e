"""Where each policy acts: its temperatures over the entropies of the model's steps."""

from __future__ import annotations

from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.reports import notation
from edt_sampling.reports.charts.acting import Heat, Steps, over_entropy
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.palette import LIGHT, numbered
from edt_sampling.reports.charts.shares import bins
from edt_sampling.reports.grid import Column, Grid


def policies(findings: DiagnosisFindings) -> Figure:
    """The mean T of each policy at each entropy of its own steps, over how many steps have it."""
    colours = {one.policy: LIGHT["fixed"] if n == 0 else numbered(n - 1, one.policy).colour for n, one in enumerate(findings.acting)}
    heats = [Heat(notation.named(*_parted(one.policy)), one.temperatures, colours[one.policy], 2.0) for one in findings.acting]
    own = [Steps(f"texts under {one.policy}", one.entropy, colours[one.policy]) for one in findings.acting]
    return over_entropy(
        "policies",
        heats,
        [Steps("the references", findings.entropies, LIGHT["line"]), *own],
        caption="Above: the mean temperature that each policy gives its own steps of entropy H. Below: how many steps have this entropy: "
        "filled, the references'; in the policies' colours, those of their own texts. Where a curve is flat, its policy is a fixed "
        "temperature.",
        label=f"Two charts over entropy in nats: temperature curves of {len(heats)} policies, and histograms of the entropies of the "
        "references' steps and of those of each policy's texts.",
        table=_table(findings),
    )


def _parted(policy: str) -> tuple[str, str]:
    """A policy's name and its spec string, as ``notation.named`` writes them; a fixed temperature's name goes without saying."""
    name = policy.partition(":")[0]
    return ("" if name == "fixed" else name, policy)


def _table(findings: DiagnosisFindings) -> Grid:
    columns = (
        Column("H, nats", "word"),
        Column("references"),
        *(Column(f"{what}, {one.policy}") for one in findings.acting for what in ("steps", "T")),
    )
    rows = tuple(
        (
            told,
            notation.number(findings.entropies.shares[i]),
            *(notation.number(value) for one in findings.acting for value in (one.entropy.shares[i], one.temperatures[i])),
        )
        for i, told in enumerate(bins(findings.entropies.edges))
    )
    return Grid("Shares of steps by entropy, and the mean temperature that they get", columns, rows)
