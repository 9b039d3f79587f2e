"""Teacher forcing: one pass over prompt and text serves all settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefill import forward
from edt_sampling.policies import Policy
from edt_sampling.protocol import Forced, Setting
from edt_sampling.sampling import Filters, Statistics
from edt_sampling.sampling import torch as backend


def force(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int], settings: Sequence[Setting]) -> Forced:
    """What the settings make of the tokens ``text`` behind the tokens ``prompt``."""
    logits = _logits(model, prompt, text)
    entropy, temperature = _read(logits, settings)
    tempered = backend.tempered(logits, torch.tensor(text, device=logits.device), temperature)
    columns = (entropy, temperature, tempered.entropy, tempered.nll)
    entropy, temperature, tempered_entropy, nll = (column.cpu().numpy() for column in columns)
    return Forced(tokens=np.array(text), entropy=entropy, temperature=temperature, tempered_entropy=tempered_entropy, nll=nll)


def _logits(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int]) -> torch.Tensor:
    """The logits from which each token of the text would be drawn, ``[tokens, vocab]``."""
    tokens = torch.tensor([[*prompt, *text[:-1]]], device=model.device)
    positions = torch.arange(tokens.shape[1], device=model.device)[None]
    out = forward(model, tokens, cache=None, mask=None, positions=positions, logits_to_keep=len(text))
    return exact(out.logits[0, -len(text) :])


def _read(logits: torch.Tensor, settings: Sequence[Setting]) -> tuple[torch.Tensor, torch.Tensor]:
    """Entropy read and temperature, ``[settings, tokens]``; the statistics are computed once for all settings with the same filters."""
    entropy, temperature = (torch.empty(len(settings), len(logits), dtype=torch.float64, device=logits.device) for _ in range(2))
    groups: dict[Filters, list[int]] = {}
    for number, setting in enumerate(settings):
        groups.setdefault(setting.filters, []).append(number)
    for filters, numbers in groups.items():
        read = backend.statistics(logits, filters=filters)
        entropy[numbers] = read.entropy
        temperature[numbers] = _temperatures(read, [settings[n].policy for n in numbers])
    return entropy, temperature


def _temperatures(read: Statistics, policies: Sequence[Policy]) -> torch.Tensor:
    """Each policy's temperature at each token, ``[policies, tokens]``; the first entropy is that of the text's first token."""
    tokens = len(read.entropy)
    mixture = backend.mixture([policy for policy in policies for _ in range(tokens)], like=read.entropy)
    each = Statistics(*(column.repeat(len(policies)) for column in (read.entropy, read.max_probability, read.support)))
    temperature = backend.temperature_at(each, mixture, first_entropy=read.entropy[:1].expand(len(each.entropy)))
    return temperature.view(len(policies), tokens)
