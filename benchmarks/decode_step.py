"""A decode step of a model: one token a row behind 512 others, Llama's shape, 1B and 7B, bfloat16, random weights.

Two and four layers are run, in turns, and all layers follow on the line through them: every layer does the same work on weights of its
own, and two of them are larger than the caches. What the model does besides its layers, the embedding and the head, is in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from benchmarks.bench import Bench
from benchmarks.record import Case, Spread, spread
from benchmarks.side_by_side import Contender
from benchmarks.table import NO_RATIO, Table, digits, timed

TITLE = "a decode step"
CONTEXT = 512
FEW, MORE = "2 layers", "4 layers"
SHAPES = {
    "1B": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_key_value_heads": 8, "vocab_size": 128_256},
    "7B": {"hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 32_000},
}


def measure(bench: Bench) -> Iterator[Case]:
    for size, shape in SHAPES.items():
        model = _model(shape)
        for rows in (1, 8):
            labels = {"model": size, "rows": rows, "words": shape["vocab_size"], "layers": shape["num_hidden_layers"]}
            steps = {FEW: _step(model, 2, rows), MORE: _step(model, 4, rows)}
            yield bench.case(labels, steps, seconds=4, facts={"parameters": _parameters(model, shape["num_hidden_layers"])})
        del model


def _model(shape: dict[str, int]) -> Any:
    """Four layers of it; the weights are small numbers of no meaning."""
    config: Any = LlamaConfig(**shape | {"num_hidden_layers": 4}, num_attention_heads=32, max_position_embeddings=2048, dtype="bfloat16")  # pyright: ignore[reportArgumentType]
    with torch.device("meta"):
        model: Any = LlamaForCausalLM(config).to(torch.bfloat16)
    model = model.to_empty(device="cpu").eval()
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config)  # its frequencies are no parameters
    for parameter in model.parameters():
        parameter.data.uniform_(-0.02, 0.02)
    return model


@torch.inference_mode()
def _step(model: Any, layers: int, rows: int) -> Contender:
    """One token a row through so many layers, the cache as long as before at each call."""
    config, cache = model.config, DynamicCache()
    shape = (rows, config.num_key_value_heads, CONTEXT, config.hidden_size // config.num_attention_heads)
    for layer in range(layers):
        cache.update(torch.randn(shape, dtype=torch.bfloat16), torch.randn(shape, dtype=torch.bfloat16), layer)
    ids = torch.full((rows, 1), 7)

    def before() -> None:
        config.num_hidden_layers = layers  # the model runs so many of its layers

    @torch.inference_mode()
    def call(_: None) -> Any:
        return model(ids, past_key_values=cache, use_cache=True).logits

    return Contender(call, before=before, after=lambda: cache.crop(-1))


def _parameters(model: Any, layers: int) -> int:
    """Of the whole model, input and output embedding counted once."""
    layer = sum(p.numel() for p in model.model.layers[0].parameters())
    return model.lm_head.weight.numel() + layers * layer


def whole(case: Case) -> Spread:
    """Seconds of a step through all layers, from each round's two."""
    rounds = zip(case.times[FEW].wall, case.times[MORE].wall, strict=True)
    return spread([few + (case.labels["layers"] - 2) * (more - few) / 2 for few, more in rounds])


def share(draw: Case, name: str, step: Case) -> str:
    """What a contender's draw is of the step with it, in per cent; nothing where the machine was busy at either."""
    if draw.busy or step.busy:
        return NO_RATIO
    seconds = draw.seconds(name).median
    return f"{digits(100 * seconds / (seconds + whole(step).median), 2)}%"


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = ("model", "rows", "words", "parameters, billions", "2 layers, ms", "4 layers, ms", "all layers, ms", "weights read, GB/s")
    rows = [
        (
            case.labels["model"],
            str(case.labels["rows"]),
            f"{case.labels['words']:,}",
            f"{case.facts['parameters'] / 1e9:.2f}",
            timed(case.seconds(FEW)),
            timed(case.seconds(MORE)),
            timed(whole(case)),
            digits(2 * case.facts["parameters"] / whole(case).median / 1e9),
        )
        for case in cases
    ]
    return [Table(columns, tuple(rows), notes=_slower(cases))]


def _slower(cases: Sequence[Case]) -> tuple[str, ...]:
    return ("These times are too long: other processes used the machine.",) if any(case.busy for case in cases) else ()


Measured = Callable[[Bench], Iterator[Case]]
