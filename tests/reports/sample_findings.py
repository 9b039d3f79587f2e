"""Findings by arithmetic, of the size and shape that the bundled model's comparison has; and smaller ones that lack things."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edt_sampling.experiments.findings import (
    Acting,
    BandPoint,
    BestOf,
    Contrast,
    Distribution,
    Effect,
    Estimate,
    Findings,
    ForcedPoint,
    Paired,
    Role,
    Row,
    StageName,
    Text,
    Token,
)

FIXED = {0.0: (0.241, 1.0), 0.3: (0.232, 0.576), 0.4: (0.231, 0.481), 0.5: (0.221, 0.402), 0.6: (0.208, 0.311)}
FIXED |= {0.7: (0.191, 0.230), 0.8: (0.175, 0.166), 1.0: (0.133, 0.091)}
GRIDS = {
    "EDT": [f"edt:t0={t0},theta={theta}" for t0, theta in ((0.6, 0.1), (0.6, 0.5), (0.6, 2), (0.8, 0.2), (0.8, 1), (1, 1), (1, 5))],
    "DynaTemp": [f"dynatemp:low={lo},high={hi}" for lo, hi in ((0, 1), (0, 1.2), (0, 1.5), (0, 2), (0.2, 1.5), (0.4, 1.5), (0.4, 2))],
    "UDT": [f"udt:t0={t0},theta={theta}" for t0, theta in ((0.6, 0.1), (0.6, 0.2), (0.7, 0.1), (0.8, 0.1), (0.8, 0.2), (1, 0.1), (1, 0.2))],
    "Instance EDT": [f"instance-edt:t0={t0},theta=0.5" for t0 in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)],
}
CHOSEN = {"EDT": 4, "DynaTemp": 2, "UDT": 3, "Instance EDT": 0}
BASELINE = "fixed:temperature=0.6"
SUBJECT = GRIDS["EDT"][4]
MATCHED_ENTROPY = ("Fixed, matched entropy", "fixed:temperature=0.76")
MATCHED_TEMPERATURE = ("Fixed, matched temperature", "fixed:temperature=0.66")
SHUFFLED = ("EDT, shuffled", "scheduled")
WORDS = [
    "Return",
    " the",
    " eigen",
    "values",
    " of",
    " a",
    " symmetric",
    " matrix",
    ",",
    " sorted",
    " in",
    " ascending",
    " order",
    ".",
    "\n",
    " If",
]
AWKWARD = [
    "<script>alert('x')</script>",
    " `code`",
    "\n\n",
    "\t",
    "",
    " 🙂",
    ' & "quoted"',
    " " + "antidisestablishment" * 8,
    "\x00",
    "</script>",
    " 值",
]


def curve(diversity: float) -> float:
    """Quality of the fixed temperatures at a diversity."""
    known = sorted((s, q) for q, s in FIXED.values())
    return float(np.interp(diversity, [s for s, _ in known], [q for _, q in known]))


def sample_findings() -> Findings:
    """All parts, filled: four methods of seven settings, five texts a side, one method that is not comparable."""
    draw = np.random.default_rng(7)
    effects = _effects()
    return Findings(
        headline=f"No difference detected: EDT ({SUBJECT}) is 0.0075 ROUGE-L above fixed temperatures of equal diversity "
        "(95% interval +0.0002 to +0.0148, p .184 after Holm); this run could have seen 0.0106.",
        sentences=(
            "DynaTemp hurts here: DynaTemp (dynatemp:low=0,high=1.5) is 0.0066 ROUGE-L below fixed temperatures of equal diversity "
            "(95% interval −0.0124 to −0.0008, p < .001 after Holm).",
            "Not comparable: Instance EDT (instance-edt:t0=0.4,theta=0.5) is more or less diverse than any of the fixed temperatures, "
            "so none can be held against it.",
            "When the same temperatures come at random tokens of the same text, the difference is +0.0221 ROUGE-L in favour of EDT.",
        ),
        subject="EDT",
        primary="rouge_l",
        diversity="self_bleu",
        model="bundled (docs-6m)",
        task="docstrings-summary",
        content="8e0aa922c1f4b7d35e90aa1b2c3d4e5f60718293a4b5c6d7e8f90123456789ab",
        dev_prompts=80,
        test_prompts=300,
        samples=5,
        seeds=(0, 1),
        sequential=False,
        rows=_rows(draw),
        band=tuple(_band(s) for s in np.linspace(0.091, 0.576, 41)),
        effects=effects,
        paired=_paired(),
        ablations=_ablations(),
        best_of=tuple(
            BestOf(name, k, top * (1 - 0.9**k) - 0.004)
            for name, top in zip(GRIDS, (0.021, 0.004, 0.013, 0.011), strict=True)
            for k in range(1, 8)
        ),
        forced=_forced(draw),
        forced_tokens=11_482,
        acting=_acting(),
        entropies=tuple(_histogram(m, p, np.linspace(0, 7, 29), 1.6 + 0.2 * i, 1.4) for i, (m, p) in enumerate(_shown())),
        temperatures=tuple(_temperatures(i, m, p) for i, (m, p) in enumerate(_shown())),
        lengths=tuple(_histogram(m, p, np.array([*range(0, 48, 2), 48, 49]), 14 + i, 8.0) for i, (m, p) in enumerate(_shown())),
        contrasts=_contrasts(draw),
        signatures={
            "rouge_l": "rougeL|f1|stem:no|version:rouge_score-0.1.2",
            "self_bleu": "selfBLEU|k:5|order:4|case:mixed|eff:yes|tok:13a|smooth:exp|empty:1|version:sacrebleu-2.6.0",
            "eda": "EDA|R:.241|P:100|w:R/P|Q:rouge_l|R from:greedy on dev",
        },
        environments=(
            {"engine": "transformers", "threads": 2, "dtype": "float32", "versions": {"torch": "2.13.0", "transformers": "5.23.0"}},
        ),
        recipe={"model": "bundled", "task": "docstrings-summary", "samples": 5, "seeds": [0, 1], "methods": [{"name": "Fixed <b>"}]},
        notes=("1 of 380 prompts was longer than the model's context and was left out.",),
    )


def small_findings() -> Findings:
    """Two fixed temperatures, one method of one setting, BLEU, no logits, nothing optional."""
    full = sample_findings()
    rows = [row for row in full.rows if row.policy in ("fixed:temperature=0.3", "fixed:temperature=1", SUBJECT) and row.stage == "test"]
    kept = ("rouge_l", "self_bleu")
    renamed = {"rouge_l": "bleu", "self_bleu": "self_bleu"}
    return replace(
        full,
        primary="bleu",
        rows=tuple(replace(row, values={renamed[name]: Estimate(row.values[name].mean) for name in kept}) for row in rows),
        band=(),
        effects=(replace(full.effects[0], metric="bleu", adjusted=None, detectable=None),),
        paired=(),
        ablations=(),
        best_of=(BestOf("EDT", 1, 0.0031),),
        forced=(),
        forced_tokens=0,
        acting=Acting(entropy=Distribution(method="", policy="", edges=(), shares=()), temperatures=()),
        entropies=(),
        temperatures=(),
        lengths=(),
        contrasts=(),
        signatures={},
        environments=(),
        notes=(),
    )


def _around(mean: float, half: float) -> Estimate:
    return Estimate(mean, mean - half, mean + half)


def _row(stage: StageName, role: Role, method: str, policy: str, quality: float, diversity: float, temperature: float, **more: Any) -> Row:
    distance = 100 * ((1 - quality / 0.241) ** 2 + (0.241 * diversity) ** 2) ** 0.5
    values = {
        "rouge_l": _around(quality, 0.009),
        "self_bleu": Estimate(1.0, 1.0, 1.0) if diversity == 1 else _around(diversity, 0.014),
        "distinct_2": Estimate(0.97 - 0.3 * diversity),
        "eda": _around(distance, 1.7),
        "eda_quality": Estimate(100 * (1 - quality / 0.241)),
        "eda_diversity": Estimate(24.1 * diversity),
        "length": Estimate(12.4 + 5 * temperature),
        "truncated": Estimate(0.04 + 0.1 * temperature),
        "temperature": Estimate(temperature),
        "entropy": Estimate(2.41 + 0.6 * temperature),
    }
    return Row(stage=stage, method=method, policy=policy, filters="temperature,top_p=0.95", role=role, values=values | more)


def _rows(draw: np.random.Generator) -> tuple[Row, ...]:
    rows: list[Row] = []
    for stage in ("test", "dev"):
        for temperature, (quality, diversity) in FIXED.items():
            policy = f"fixed:temperature={temperature:g}"
            role = "greedy" if temperature == 0 else "baseline" if (stage, policy) == ("test", BASELINE) else "fixed"
            rows.append(_row(stage, role, "Fixed", policy, quality + (0.003 if stage == "dev" else 0), diversity, temperature))
        for method, policies in GRIDS.items():
            for i, policy in enumerate(policies):
                if stage == "dev" or i == CHOSEN[method]:
                    rows.append(_dynamic(stage, method, policy, i, draw))
    extra: tuple[tuple[StageName, Role, tuple[str, str], float, float], ...] = (
        ("test", "matched entropy", MATCHED_ENTROPY, 0.182, 0.191),
        ("test", "matched temperature", MATCHED_TEMPERATURE, 0.1985, 0.262),
        ("shuffled", "shuffled", SHUFFLED, 0.166, 0.158),
    )
    return (*rows, *(_row(stage, role, *setting, q, s, 0.66) for stage, role, setting, q, s in extra))


def _dynamic(stage: StageName, method: str, policy: str, i: int, draw: np.random.Generator) -> Row:
    diversity = 0.62 if method == "Instance EDT" and i == 0 else float(np.linspace(0.40, 0.12, 7)[i]) + 0.01 * list(GRIDS).index(method)
    effect = float(draw.normal(0.001, 0.004)) if stage == "dev" else {"EDT": 0.0075, "DynaTemp": -0.0066, "UDT": 0.0012}.get(method, -0.001)
    more = {"effect": _around(effect, 0.008)} if stage == "dev" and diversity < 0.576 else {}
    return _row(
        stage, "chosen" if stage == "test" else "candidate", method, policy, curve(diversity) + effect, diversity, 0.45 + 0.07 * i, **more
    )


def _band(diversity: float) -> BandPoint:
    return BandPoint(float(diversity), _around(curve(float(diversity)), 0.007 + 0.003 * abs(float(diversity) - 0.3)))


def _effects() -> tuple[Effect, ...]:
    found = {"EDT": (0.0075, 0.0073, 0.046, 0.184), "DynaTemp": (-0.0066, 0.0058, 0.0002, 0.0004), "UDT": (0.0012, 0.0061, 0.7, 1.0)}
    effects = [
        Effect(
            method=name,
            policy=GRIDS[name][CHOSEN[name]],
            metric="rouge_l",
            effect=_around(effect, half),
            p=p,
            adjusted=adjusted,
            detectable=half * 1.45,
            outside=0.0,
            call="worse" if adjusted < 0.05 else "no difference detected",
        )
        for name, (effect, half, p, adjusted) in found.items()
    ]
    lost = Effect(
        method="Instance EDT",
        policy=GRIDS["Instance EDT"][0],
        metric="rouge_l",
        effect=None,
        p=None,
        adjusted=None,
        detectable=None,
        outside=0.93,
        call="not comparable",
    )
    return (*effects, lost)


def _pair(policy: str, method: str, other_method: str, other: str, metric: str, mean: float, half: float, p: float | None) -> Paired:
    adjusted = None if p is None else min(1.0, 4 * p)
    found = _around(mean, half)
    return Paired(
        method=method, policy=policy, other_method=other_method, other=other, metric=metric, difference=found, p=p, adjusted=adjusted
    )


def _paired() -> tuple[Paired, ...]:
    found: list[Paired] = []
    for n, (name, policies) in enumerate(GRIDS.items()):
        policy = policies[CHOSEN[name]]
        found.append(_pair(policy, name, "Fixed", BASELINE, "rouge_l", -0.012 + 0.009 * n, 0.0081, 0.002 + 0.05 * n))
        found.append(_pair(policy, name, "Fixed", BASELINE, "self_bleu", -0.085 + 0.06 * n, 0.0152, None))
        found.append(_pair(policy, name, "Fixed", BASELINE, "length", 0.8 - 0.5 * n, 0.44, None))
    return tuple(found)


def _ablations() -> tuple[Paired, ...]:
    others = ((*SHUFFLED, 0.0221), (*MATCHED_ENTROPY, 0.0064), (*MATCHED_TEMPERATURE, -0.0101))
    scales = {"rouge_l at equal diversity": 1.0, "rouge_l": 0.8, "self_bleu": -2.0}
    return tuple(
        _pair(SUBJECT, "EDT", method, other, metric, scale * mean, 0.0085, 0.02 if "equal" in metric else None)
        for metric, scale in scales.items()
        for method, other, mean in others
    )


def _nll(entropy: float) -> float:
    return 2.95 + 0.32 * (entropy - 2.6) ** 2


def _forced(draw: np.random.Generator) -> tuple[ForcedPoint, ...]:
    fixed = [(t, 0.35 + 2.55 * t - 0.3 * t**2) for t in (round(0.1 + 0.05 * i, 2) for i in range(39))]
    points = [
        ForcedPoint(
            method="Fixed",
            policy=f"fixed:temperature={t:g}",
            temperature=t,
            entropy=h,
            nll=_around(_nll(h), 0.09),
            exact=_nll(h) + 0.3,
            distance=None,
        )
        for t, h in fixed
    ]
    for method, policies in GRIDS.items():
        for i, policy in enumerate(policies):
            h = 0.9 + 0.27 * i + 0.05 * list(GRIDS).index(method)
            worse = abs(float(draw.normal(0.02, 0.012)))
            reached = not (method == "DynaTemp" and i == 6)
            points.append(
                ForcedPoint(
                    method=method,
                    policy=policy,
                    temperature=0.45 + 0.08 * i,
                    entropy=h,
                    nll=_around(_nll(h) + worse, 0.09),
                    exact=_nll(h) + 25 * worse,
                    distance=_around(worse, 0.011) if reached else None,
                )
            )
    return tuple(points)


def _shown() -> list[tuple[str, str]]:
    return [("Fixed", BASELINE), *((name, policies[CHOSEN[name]]) for name, policies in GRIDS.items())]


def _histogram(method: str, policy: str, edges: np.ndarray, mean: float, spread: float) -> Distribution:
    middles = (edges[1:] + edges[:-1]) / 2
    weights = np.exp(-((middles - mean) ** 2) / (2 * spread**2)) + 0.8 * np.exp(-middles / 0.4)
    shares = weights / weights.sum()
    return Distribution(method=method, policy=policy, edges=tuple(map(float, edges)), shares=tuple(map(float, shares)))


def _temperatures(i: int, method: str, policy: str) -> Distribution:
    edges = np.linspace(0, 1.5, 31)
    if method != "Fixed":
        return _histogram(method, policy, edges, 0.5 + 0.1 * i, 0.12)
    shares = tuple(float(low <= 0.6 + 1e-9 < high) for low, high in zip(edges + 1e-9, edges[1:] + 1e-9, strict=False))
    return Distribution(method=method, policy=policy, edges=tuple(map(float, edges)), shares=shares)


def _acting() -> Acting:
    histogram = _histogram("references", "", np.linspace(0, 7, 29), 2.6, 1.5)
    middles = [(low + high) / 2 for low, high in zip(histogram.edges, histogram.edges[1:], strict=False)]
    curves: list[tuple[str, tuple[float | None, ...]]] = []
    for policy in GRIDS["EDT"]:
        t0, theta = (float(part.partition("=")[2]) for part in policy.partition(":")[2].split(","))
        curves.append((policy, tuple(None if h > 6.5 else t0 * 0.8 ** (theta / h) for h in middles)))
    return Acting(entropy=histogram, temperatures=tuple(curves))


def _contrasts(draw: np.random.Generator) -> tuple[Contrast, ...]:
    whys = ("largest gain", "largest loss", "median", "chosen by nobody")
    source = "def eigenvalues(a, *, check=True):\n    if a.shape[0] != a.shape[1]:\n        raise ValueError('a must be square')\n" * 6
    prompts = (source, "Summarise: `x < y & z > 0`\n<b>not bold</b>", source[:200], "Übersetze \u202bטקסט\u202c: 天地玄黄 🙂")
    found: list[Contrast] = []
    for n, (why, prompt) in enumerate(zip(whys, prompts, strict=True)):
        texts = [_text(draw, side, seed, sample, n) for side in (0, 1) for seed in (0, 1) for sample in range(5)]
        references = ("Return the eigenvalues of a symmetric matrix, in ascending order.", "Eigenvalues <sorted>.")[: 1 + n % 2]
        found.append(
            Contrast(
                why=why, example=f"numpy.linalg:{n}", difference=0.21 - 0.14 * n, prompt=prompt, references=references, texts=tuple(texts)
            )
        )
    return tuple(found)


def _text(draw: np.random.Generator, side: int, seed: int, sample: int, n: int) -> Text:
    pieces = [WORDS[int(i)] for i in draw.integers(0, len(WORDS), int(draw.integers(14, 44)))]
    if n == 1 and sample == 0:
        pieces = pieces[:6] + AWKWARD + pieces[6:]
    if n == 2 and sample == 3:
        pieces = []
    entropy = draw.gamma(1.3, 1.6, len(pieces))
    temperature = 0.8 * 0.8 ** (1 / np.maximum(entropy, 1e-3)) if side else np.full(len(pieces), 0.76)
    probability = np.exp(-0.7 * entropy * draw.random(len(pieces)))
    return Text(
        method="EDT" if side else MATCHED_ENTROPY[0],
        policy=SUBJECT if side else MATCHED_ENTROPY[1],
        seed=seed,
        sample=sample,
        score=float(draw.random() * 0.5),
        finish="length" if len(pieces) > 40 else "end",
        tokens=tuple(
            Token(piece, float(h), float(t), float(p)) for piece, h, t, p in zip(pieces, entropy, temperature, probability, strict=True)
        ),
    )
