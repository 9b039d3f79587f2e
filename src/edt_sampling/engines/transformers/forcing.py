"""Teacher forcing: one pass over prompt and text serves all settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import cast

import numpy as np
import torch
from transformers import PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefill import forward
from edt_sampling.policies import Policy
from edt_sampling.protocol import Forced, Setting
from edt_sampling.sampling import Filters, Statistics
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import READ
from edt_sampling.sampling.statistics import Kept


def force(
    model: PreTrainedModel,
    prompt: Sequence[int],
    text: Sequence[int],
    settings: Sequence[Setting],
    *,
    without: Sequence[int] | None,
    ahead: Mapping[str, float],
) -> Forced:
    """What the settings make of the tokens ``text`` behind the tokens ``prompt``; ``without`` are those of the prompt without its evidence,
    for policies that read the divergence, and ``ahead`` the statistics that are known before the text."""
    logits = forced_logits(model, prompt, text)
    kl = None if without is None else backend.divergence(logits, forced_logits(model, without, text))
    entropy, temperature = _read(logits, settings, kl, ahead)
    tempered = backend.tempered(logits, torch.tensor(text, device=logits.device), temperature)
    columns = (entropy, temperature, tempered.entropy, tempered.nll)
    entropy, temperature, tempered_entropy, nll = (column.cpu().numpy() for column in columns)
    return Forced(tokens=np.array(text), entropy=entropy, temperature=temperature, tempered_entropy=tempered_entropy, nll=nll)


def forced_logits(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int]) -> torch.Tensor:
    """The logits from which each token of the text would be drawn, ``[tokens, vocab]``."""
    tokens = torch.tensor([[*prompt, *text[:-1]]], device=model.device)
    positions = torch.arange(tokens.shape[1], device=model.device)[None]
    out = forward(model, tokens, cache=None, mask=None, positions=positions, logits_to_keep=len(text))
    return exact(out.logits[0, -len(text) :])


def _read(
    logits: torch.Tensor, settings: Sequence[Setting], kl: torch.Tensor | None, ahead: Mapping[str, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Entropy read and temperature, ``[settings, tokens]``; the statistics are computed once for all settings with the same filters."""
    entropy, temperature = (torch.empty(len(settings), len(logits), dtype=torch.float64, device=logits.device) for _ in range(2))
    groups: dict[Filters, list[int]] = {}
    for number, setting in enumerate(settings):
        groups.setdefault(setting.filters, []).append(number)
    for filters, numbers in groups.items():
        policies = [settings[n].policy for n in numbers]
        read = backend.statistics(logits, filters=filters, needs=frozenset[str]().union(*(p.needs for p in policies)))
        entropy[numbers] = read.entropy
        temperature[numbers] = _temperatures(replace(read, kl=kl, **_kept(read.entropy, ahead)), policies)
    return entropy, temperature


def _kept(entropy: torch.Tensor, ahead: Mapping[str, float]) -> dict[str, torch.Tensor]:
    """The statistics that generating would keep at each token, were the text its own."""
    steps = torch.arange(1, len(entropy) + 1, device=entropy.device)
    found = {"first_entropy": entropy[:1].expand(len(entropy)), "running_entropy": entropy.cumsum(0) / steps}
    return found | {name: torch.full_like(entropy, value) for name, value in ahead.items()}


def _temperatures(read: Statistics, policies: Sequence[Policy]) -> torch.Tensor:
    """Each policy's temperature at each token, ``[policies, tokens]``."""
    tokens = len(read.entropy)
    mixture = backend.mixture([policy for policy in policies for _ in range(tokens)], like=read.entropy)
    columns = {f.name: getattr(read, f.name) for f in fields(read)}
    each: dict[str, torch.Tensor] = {name: column.repeat(len(policies)) for name, column in columns.items() if column is not None}
    kept = {name: each.pop(name) for name in READ & each.keys()}
    return backend.temperature_at(Statistics(**each), mixture, **cast(Kept, kept)).view(len(policies), tokens)
