"""mlx-lm's own server with policies: ``python -m edt_sampling.engines.mlx.server --model FOLDER``, and every other option of its own.

A request's field ``edt`` holds a spec string, ``edt_theta`` the theta of EDT; a t0 that is left out is the request's temperature.
mlx-lm's arguments have no place for either: the temperature carries the policy from the handler to the thread that generates.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mlx_lm import server

from edt_sampling.engines.fields import requested
from edt_sampling.engines.mlx.processor import PolicyLogitsProcessor
from edt_sampling.engines.mlx.rows import KEEPS
from edt_sampling.policies import Policy
from edt_sampling.sampling.contract import check_kept

_make_logits_processors = server._make_logits_processors


class PolicyTemperature(float):
    """1, the temperature that is left for mlx-lm's own sampler, with the policy that stands in its place."""

    policy: Policy

    def __new__(cls, policy: Policy) -> PolicyTemperature:
        temperature = super().__new__(cls, 1.0)
        temperature.policy = policy
        return temperature

    def __reduce__(self) -> Any:
        """Distributed mlx-lm sends requests to its other processes by pickle."""
        return PolicyTemperature, (self.policy,)


class PolicyHandler(server.APIHandler):
    """Reads a request's policy where its other fields are checked; a ValueError there is HTTP 400 with its line."""

    def validate_model_parameters(self) -> None:
        """mlx-lm's own checks, then ours."""
        super().validate_model_parameters()
        policy = requested(self.body, temperature=float(self.temperature))
        if policy is not None:
            self._check(policy)
            self.temperature = PolicyTemperature(policy)

    def _check(self, policy: Policy) -> None:
        check_kept([policy], KEEPS, keeper="the MLX server")
        drafting = self.body.get("draft_model") or self.response_generator.cli_args.draft_model
        if drafting and policy.needs & KEEPS:
            raise ValueError(f"policy {policy.name} remembers its text, which a draft model's steps would mix with its own: leave one out")


def processors(args: Any) -> list[Any]:
    """A request's logits processors: penalties, then its policy."""
    own = _make_logits_processors(args)
    temperature = args.sampling.temperature
    return [*own, PolicyLogitsProcessor(temperature.policy)] if isinstance(temperature, PolicyTemperature) else own


def main() -> None:
    """Serves with mlx-lm's own command line."""
    server._make_logits_processors = processors
    server._run_http_server = partial(server._run_http_server, handler_class=PolicyHandler)
    server.main()


if __name__ == "__main__":
    main()
