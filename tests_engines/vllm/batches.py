"""The batches that the engines of both runners are given."""

from __future__ import annotations

PROMPTS = {
    "mean": [473, 277, 3146, 300],
    "long": [512, 300, 277, 2217, 281, 268, 610, 199, 420, 333, 277, 901, 300, 268, 1024, 14, 199, 310, 277, 402],
    "short": [280],
    "other": [280, 3468, 950, 268, 350],
}


def asked(edt=None, *, prompt="mean", tokens=4, temperature=0.9, **named):
    """A prompt and the keyword arguments of its request."""
    fields = {"extra_args": {"edt": edt}} if isinstance(edt, str) else {"extra_args": {"edt_theta": edt}} if edt is not None else {}
    return prompt, {"temperature": temperature, "max_tokens": tokens, "logprobs": 40, "seed": 7} | fields | named


def batch(*requests):
    return {"prompts": [PROMPTS[prompt] for prompt, _ in requests], "params": [params for _, params in requests]}


MIXED = batch(  # ten requests in five places: they join and leave at different steps
    asked("edt:theta=0.2", prompt="short", tokens=6, top_p=0.9),
    asked(tokens=2, temperature=0.8),
    asked("edt:t0=1.2,theta=1", tokens=5, temperature=0.7, prompt="other"),
    asked(0.5, tokens=1, temperature=1.1),
    asked("edt:theta=0.3", tokens=3, temperature=0),
    asked("dynatemp:low=0.4,high=1.1", tokens=6, top_p=0.95),
    asked("udt-margin:theta=0.4", tokens=4, temperature=1.3),
    asked(tokens=3, temperature=1.0, prompt="short"),
    asked("fixed:temperature=0", tokens=3, prompt="other"),
    asked("edt:t0=0.8,theta=2", tokens=4, seed=None, prompt="other"),
)
PLAIN = batch(asked(), asked(prompt="other"))
BESIDE = batch(asked(), asked("edt:theta=3", prompt="other"))
SAMPLES = batch(asked("edt:theta=1", n=3, tokens=3))
ALTERED = batch(
    asked("edt:theta=1", logit_bias={"14": 4.0, "268": -3.0}, tokens=1),
    asked("edt:theta=1", allowed_token_ids=list(range(200, 260)), tokens=2),
    asked("edt:theta=1", prompt_logprobs=2, tokens=1),
    asked("edt:theta=1", presence_penalty=1.5, tokens=3),
    asked("edt:theta=2", min_p=0.1, tokens=2),
)
CHOICE = batch(asked("edt:theta=1", structured_outputs={"regex": "[ab]{3}"}, tokens=2))
DRAWN = batch(
    *[asked("edt:theta=8", prompt="other", temperature=1.5, top_p=0.9, n=36, tokens=1, logprobs=None, seed=seed) for seed in (100, 1000)]
)
PREEMPTED = batch(*[asked("edt:theta=0.5", prompt="long", tokens=16, seed=seed) for seed in (1, 2, 3)])
REFUSED = [
    batch(asked(prompt="short", extra_args=fields))
    for fields in ({"edt": "edt:theta=-1"}, {"edt_theta": "0.2"}, {"edt_temperature": 1}, {"edt": "instance-edt:theta=1"})
]
ROOM = {"num_gpu_blocks_override": 6, "block_size": 32, "max_model_len": 64, "max_num_seqs": 6, "disable_log_stats": False}
"""Five blocks of keys and values, and one that vLLM keeps: three long requests do not fit to their ends, so that one is preempted."""
ALL = {
    "mixed": MIXED,
    "plain": PLAIN,
    "beside": BESIDE,
    "samples": SAMPLES,
    "altered": ALTERED,
    "choice": CHOICE,
    "drawn": DRAWN,
    "preempted": PREEMPTED,
} | {f"refused {number}": refused for number, refused in enumerate(REFUSED)}
