"""Every number of a report, computed again from the exported texts, without edt-sampling.

    edt export texts RUN --out texts.jsonl
    edt report RUN --out report.html
    python docs/recompute.py texts.jsonl report.html

Needs numpy, rouge_score and sacrebleu. The page holds its findings as JSON, in the element ``#findings``. Below, each quantity is one short
function with its formula; ``recomputed`` builds the same findings from the exported lines alone. A line is printed for each section, then
whatever differs by more than its tolerance; the exit status is 1 if anything does, else 0.

Tolerances are relative to max(1, value): 1e-6; 1e-5 for what is computed from H, T and NLL, which the export rounds to six digits. A bin of
a histogram may also differ by the tokens that this rounding may have moved into it, and a p-value of random sign flips by four standard
errors of 9,999 draws. Not checked: the words of ``signatures`` and ``environments``, and how tokens are spelled.
"""

from __future__ import annotations

import json
import math
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from functools import cache
from hashlib import sha256
from itertools import pairwise, product
from statistics import NormalDist

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU

FACTS = {"model", "task", "samples", "seeds", "recipe", "content", "subject", "primary", "diversity"}
FACTS |= {"dev_prompts", "test_prompts", "sequential", "forced_tokens", "notes"}
SIX_DIGITS = 1e-5
RESAMPLES, FLIPS = 10_000, 9_999
NORMAL = NormalDist()
ENTROPY_EDGES = [0.25 * i for i in range(29)]  # nats, 0 to 7

# ---------------------------------------------------------------- The export


class Run:
    """The lines of an export. ``texts[stage][unit, setting]`` are lines by seed and sample, ``steps[stage][unit, setting]`` is a line."""

    def __init__(self, path):
        self.examples, self.settings = defaultdict(list), defaultdict(list)
        self.texts, self.steps = defaultdict(lambda: defaultdict(list)), defaultdict(dict)
        with open(path, encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                if line["kind"] == "run":
                    self.hash, self.recipe, self.looks = line["hash"], line["recipe"], line["looks"]
                elif line["kind"] == "example":
                    self.examples[line["split"]].append(line)
                elif line["kind"] == "setting":
                    self.settings[line["stage"]].append(line)
                elif line["kind"] == "text":
                    self.texts[line["stage"]][line["unit"], line["setting"]].append(line)
                else:
                    self.steps[line["stage"]][line["unit"], line["setting"]] = line

    def units(self, stage):
        """The stage's prompts by number."""
        return sorted({unit for unit, _ in self.texts[stage] or self.steps[stage]})


# ---------------------------------------------------------------- Metrics of texts, each computed once for equal texts


@cache
def rouge_l(text, references, stem):
    """F1 of the longest common subsequence of words, the best over the references, by rouge_score."""
    return RougeScorer(["rougeL"], use_stemmer=stem).score_multi(references, text)["rougeL"].fmeasure


@cache
def bleu(text, references, tokenizer="13a", order=4, smoothing="exp"):
    """sacrebleu's sentence BLEU with effective order, on 0 to 1 (its perfect score is 100.00000000000004)."""
    return min(1.0, _bleu(tokenizer, order, smoothing).sentence_score(text, list(references)).score / 100)


@cache
def _bleu(tokenizer, order, smoothing):
    return BLEU(tokenize=tokenizer, max_ngram_order=order, smooth_method=smoothing, effective_order=True)


def self_bleu(texts, **parameters):
    """Mean over the texts of BLEU against the others. A text without words: 1 where another has none either, else 0."""
    wordless = [not _bleu(parameters.get("tokenizer", "13a"), 4, "exp").tokenizer(text.rstrip()).split() for text in texts]
    values = []
    for i, text in enumerate(texts):
        others = texts[:i] + texts[i + 1 :]
        alone = float(sum(wordless) > 1)
        values.append(alone if wordless[i] else bleu(text, tuple(sorted(others)), **parameters))
    return sum(values) / len(values)


def distinct_n(texts, n):
    """Different n-grams / all n-grams of lower-cased words; nan without any."""
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    ngrams = [tuple(w[i : i + n]) for w in words for i in range(len(w) - n + 1)]
    return len(set(ngrams)) / len(ngrams) if ngrams else math.nan


def length(text, unit):
    """Words between white space, or characters that are no white space."""
    words = text.split()
    return float(len(words) if unit == "words" else sum(map(len, words)))


def metric(spec):
    """A column's name, whether it reads references, and a function from K texts and references to one value a text, or one in all."""
    name, _, rest = spec.partition(":")
    given = dict(item.split("=") for item in rest.split(",") if item)
    given = {key: int(value) if value.isdigit() else value for key, value in given.items()}
    return {
        "rouge_l": ("rouge_l", True, lambda texts, refs: [rouge_l(t, refs, given.get("stem") == "true") for t in texts]),
        "bleu": ("bleu", True, lambda texts, refs: [bleu(t, refs, **given) for t in texts]),
        "self_bleu": ("self_bleu", False, lambda texts, _: [self_bleu(texts, **given)]),
        "distinct_n": (f"distinct_{given.get('n', 2)}", False, lambda texts, _: [distinct_n(texts, given.get("n", 2))]),
        "length": ("length", False, lambda texts, _: [length(t, given.get("unit", "words")) for t in texts]),
    }[name]


def scores(run, stage, specs):
    """{column: [prompts, settings]}: means over a prompt's texts (over its groups of K, one a seed, for Self-BLEU and distinct-n).

    ``truncated``: share of texts that ended at the length limit; ``temperature`` and ``entropy``: means over all tokens of the prompt.
    """
    units, settings, k = run.units(stage), range(len(run.settings[stage])), run.recipe["samples"]
    references = {e["unit"]: tuple(e["references"]) for e in run.examples[run.settings[stage][0]["split"]]}

    def table(value_of):
        return np.array([[value_of(unit, run.texts[stage][unit, setting]) for setting in settings] for unit in units], dtype=float)

    found = {}
    for name, _, measure in (metric(spec) for spec in specs if spec != "eda"):

        def values(unit, lines, measure=measure):
            texts = [line["text"] for line in lines]
            return [v for i in range(0, len(texts), k) for v in measure(texts[i : i + k], references[unit])]

        found[name] = table(values).mean(axis=2)
    found["truncated"] = table(lambda _, lines: sum(line["finish"] == "length" for line in lines) / len(lines))
    for name, key in (("temperature", "T"), ("entropy", "H")):
        found[name] = table(lambda _, lines, key=key: sum(sum(x[key]) for x in lines) / max(1, sum(len(x[key]) for x in lines)))
    return found


def eda(quality, diversity, target):
    """[EDA, its quality term, its diversity term], R = target, P = 1, w = R: 100 max(0, R - Q) / R and 100 R S, and their hypotenuse."""
    terms = 100 * np.maximum(0, target - quality) / target, 100 * target * diversity
    return [np.hypot(*terms), *terms]


# ---------------------------------------------------------------- Resampling prompts, and quantiles


@cache
def counts(prompts):
    """How often each of 10,000 resamples holds each prompt: Multinomial(prompts, 1 / prompts), from seed 0."""
    rows = [1000] * (RESAMPLES // 1000)
    generator = np.random.default_rng(0)
    return [generator.multinomial(prompts, np.full(prompts, 1 / prompts), size=n) for n in rows]


def resampled(values):
    """Means of [prompts, ...] over each resample, [10000, ...]."""
    flat = values.reshape(len(values), -1)
    return np.concatenate([block @ flat / len(values) for block in counts(len(values))]).reshape(-1, *values.shape[1:])


def t_tail(x, df):
    """P(T > x), x >= 0, of Student's t: its density integrated by Simpson's rule after t = sqrt(df) tan(a).

    Gamma((df + 1) / 2) / (sqrt(pi) Gamma(df / 2)) * integral of cos(a)^(df - 1) from atan(x / sqrt(df)) to pi / 2
    """
    a, step = np.linspace(math.atan(x / math.sqrt(df)), math.pi / 2, 20_001, retstep=True)
    y = np.cos(a).clip(0) ** (df - 1)
    area = step / 3 * (y[0] + 4 * y[1:-1:2].sum() + 2 * y[2:-2:2].sum() + y[-1])
    return float(math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi) * area)


@cache
def expanded_tail(prompts):
    """What each end of a 95% interval leaves out: Phi(-sqrt(n / (n - 1)) t), t the 97.5% quantile of Student's t with n - 1 df."""
    low, high = 0.0, 1e4
    for _ in range(100):
        t = (low + high) / 2
        low, high = (t, high) if t_tail(t, prompts - 1) > 0.025 else (low, t)
    return NORMAL.cdf(-math.sqrt(prompts / (prompts - 1)) * t)


def interval(samples, prompts):
    """The expanded percentile interval (Hesterberg 2015) over the first axis."""
    tail = expanded_tail(prompts)
    return np.quantile(samples, [tail, 1 - tail], axis=0)


def bootstrap_p(samples, prompts):
    """2 P(T[n-1] > sqrt((n - 1) / n) z), z the normal quantile of the share of resamples on the rarer side of 0."""
    rarer = min((samples <= 0).sum(), (samples >= 0).sum())
    share = min(1, 2 * (1 + rarer) / (len(samples) + 1))
    return 2 * t_tail(abs(NORMAL.inv_cdf(share / 2)) * math.sqrt((prompts - 1) / prompts), prompts - 1)


def clock(prompts):
    """u = u1 n / 300 of the intervals that hold at every look, u1 = ln((u1 + 1) / .05^2): at 300 prompts they are as narrow as can be."""
    narrowest = 8.0
    for _ in range(100):
        narrowest = math.log((narrowest + 1) / 0.05**2)
    return narrowest * prompts / 300


def half_width(sd, prompts, alpha):
    """sd sqrt((u + 1) / (u n) ln((u + 1) / alpha^2)): half an interval that holds at every look with probability 1 - alpha."""
    u = clock(prompts)
    return sd * math.sqrt((u + 1) / (u * prompts) * math.log((u + 1) / alpha**2))


def always_valid(mean, sd, prompts):
    """(low, high, p) that hold at every look; p = min(1, sqrt(u + 1) exp(-n (mean / sd)^2 / 2 u / (u + 1)))."""
    u, half = clock(prompts), half_width(sd, prompts, 0.05)
    away = 0 if mean == 0 else abs(mean) / sd if sd > 0 else math.inf
    return mean - half, mean + half, min(1.0, math.sqrt(u + 1) * math.exp(-prompts * away**2 / 2 * u / (u + 1)))


def sign_flip_p(differences):
    """Two-sided: twice the share of ways to deal signs whose mean is as far out. All ways up to 9,999 of them, else random ones."""
    n, draws = len(differences), 4 * 10_000
    if 2**n <= FLIPS:
        null = np.array(list(product((1, -1), repeat=n))) @ differences / n
    else:
        generator = np.random.default_rng(1)
        null = np.concatenate([(2 * generator.integers(0, 2, (draws // 4, n)) - 1) @ differences / n for _ in range(4)])
    same = 1e-13 * abs(differences.mean())
    rarer = min((null <= differences.mean() + same).sum(), (null >= differences.mean() - same).sum())
    if 2**n <= FLIPS:
        return About(min(1.0, 2 * float(rarer) / len(null)))
    p = min(1.0, 2 * (1 + float(rarer)) / (1 + draws))
    return About(p, 4 * math.sqrt(max(p, 2 / FLIPS) * (2 - p) * (1 / FLIPS + 1 / draws)))


def holm(p_values):
    """min(1, max over j <= i of (m - j + 1) p(j)), p(1) <= ... <= p(m); None is no member of the family."""
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted, largest = [None] * len(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, (len(order) - rank) * p)
        adjusted[i] = min(1.0, largest)
    return adjusted


# ---------------------------------------------------------------- The fixed temperatures' curve


def curve(nodes, heights):
    """The monotone cubic (PCHIP) through the nodes, as three lists: diversity, quality, slope.

    Inside, with segments of widths h0, h1 and slopes d0, d1 on either side of a node: 0 where d0 d1 <= 0, else
    (w0 + w1) / (w0 / d0 + w1 / d1), w0 = 2 h1 + h0, w1 = h1 + 2 h0. Nodes of one diversity (to 1e-12) have their mean quality.
    """
    x, y = map(list, zip(*sorted(zip(nodes, heights, strict=True)), strict=True))
    h, same = [b - a for a, b in pairwise(x)], 1e-12 * max(map(abs, x))
    if min(h) <= same:
        y = [float(np.mean([v for u, v in zip(x, y, strict=True) if abs(u - at) <= same])) for at in x]
    d = [(y[i + 1] - y[i]) / h[i] if h[i] > same else 0.0 for i in range(len(h))]
    if len(x) == 2:
        return x, y, [d[0], d[0]]
    inside = []
    for (h0, h1), (d0, d1) in zip(pairwise(h), pairwise(d), strict=True):
        w0, w1 = 2 * h1 + h0, h1 + 2 * h0
        inside.append((w0 + w1) / (w0 / d0 + w1 / d1) if d0 * d1 > 0 else 0.0)
    return x, y, [end_slope(h[0], h[1], d[0], d[1]), *inside, end_slope(h[-1], h[-2], d[-1], d[-2])]


def end_slope(h0, h1, d0, d1):
    """At an end: the slope of the parabola through three nodes, no further than the curve stays monotone."""
    parabola = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1) if h0 + h1 > 0 else 0.0
    if parabola * d0 <= 0:
        return 0.0
    return 3 * d0 if d0 * d1 <= 0 and abs(parabola) > 3 * abs(d0) else parabola


def height(found, at):
    """The curve at a diversity; straight beyond its ends. Between nodes a and b, width h, t = (at - a) / h and s = 1 - t:

    s^2 (1 + 2 t) y_a + t^2 (1 + 2 s) y_b + h s t (s slope_a - t slope_b)
    """
    x, y, slope = found
    if at < x[0] or at > x[-1]:
        end = 0 if at < x[0] else -1
        return y[end] + (at - x[end]) * slope[end]
    i = min(bisect_right(x, at) - 1, len(x) - 2)
    h = x[i + 1] - x[i]
    t = (at - x[i]) / h if h > 0 else 0.0
    s = 1 - t
    return s * s * (1 + 2 * t) * y[i] + t * t * (1 + 2 * s) * y[i + 1] + h * s * t * (s * slope[i] - t * slope[i + 1])


def distances(quality, diversity, fixed, points):
    """Of each row of means, [rows, settings]: quality less the curve of ``fixed`` at equal diversity; whether it is beyond the ends."""
    away, off = [], []
    for q, s in zip(quality.tolist(), diversity.tolist(), strict=True):
        found = curve([s[k] for k in fixed], [q[k] for k in fixed])
        low, high = found[0][0], found[0][-1]
        same = 1e-12 * max(abs(low), abs(high))
        away.append([q[i] - height(found, s[i]) for i in points])
        off.append([s[i] < low - same or s[i] > high + same for i in points])
    return np.array(away), np.array(off)


def influence(quality, diversity, fixed, points):
    """A prompt's part in each distance, [prompts, points]: the distance of the means, and its change as they move to the prompt's own.

    psi_i = f(m) + (f(m + h (x_i - m)) - f(m - h (x_i - m))) / 2h, h = 1e-5. Its mean is the distance, its sd / sqrt(n) the standard error.
    """
    q, s, h = quality.mean(axis=0), diversity.mean(axis=0), 1e-5
    up, _ = distances(q + h * (quality - q), s + h * (diversity - s), fixed, points)
    down, _ = distances(q - h * (quality - q), s - h * (diversity - s), fixed, points)
    return distances(q[None], s[None], fixed, points)[0] + (up - down) / (2 * h)


# ---------------------------------------------------------------- The sections of the page


class Part:
    """A stage with its scores: dev; or test with the shuffled stage's setting behind its own."""

    def __init__(self, run, stages, specs):
        self.settings = [s for stage in stages for s in run.settings[stage]]
        each = [scores(run, stage, specs) for stage in stages]
        self.values = {name: np.concatenate([found[name] for found in each], axis=1) for name in each[0]}
        self.qualities = [metric(spec)[0] for spec in specs if spec != "eda" and metric(spec)[1]]
        self.quality, self.diversity = self.values[self.qualities[0]], self.values["self_bleu"]
        self.prompts = len(self.quality)
        self.fixed = self.having("fixed", "baseline")

    def having(self, *roles):
        return [i for i, s in enumerate(self.settings) if s["role"] in roles]

    def named(self, i, *more):
        return {key: self.settings[i][key] for key in ("method", "policy", *more)}


def estimate(mean, low=None, high=None, tolerance=1e-6):
    return {"mean": About(mean, tolerance), "low": About(low, tolerance), "high": About(high, tolerance)}


def rows(part, specs, target):
    """A row a setting: the mean of each column, an interval where every prompt has it; on dev each candidate's distance to the curve."""
    defined = {name: (~np.isnan(v)).sum(axis=0) for name, v in part.values.items()}
    means = {name: np.where(n > 0, np.nansum(part.values[name], axis=0) / np.maximum(n, 1), np.nan) for name, n in defined.items()}
    samples = {name: resampled(v) for name, v in part.values.items() if np.isfinite(v).all()}
    if "eda" in specs:
        for kind in (means, samples):
            kind.update(zip(("eda", "eda_quality", "eda_diversity"), eda(kind[part.qualities[0]], kind["self_bleu"], target), strict=True))
    ends = {name: interval(drawn, part.prompts) for name, drawn in samples.items()}
    found = []
    for i, setting in enumerate(part.settings):
        columns = {}
        for name, mean in means.items():
            if not np.isnan(mean[i]):
                tolerance = SIX_DIGITS if name in ("temperature", "entropy") else 1e-6
                columns[name] = estimate(mean[i], *(e[i] for e in ends.get(name, ())), tolerance=tolerance)
        if setting["role"] == "candidate":
            away, off = distances(means[part.qualities[0]][None], means["self_bleu"][None], part.fixed, [i])
            columns |= {} if off[0, 0] else {"effect": estimate(away[0, 0])}
        found.append({"stage": setting["stage"], **part.named(i, "filters", "role"), "values": columns})
    return found


def choice(run, dev, target):
    """What dev chooses: each method's setting farthest above the curve (where none is on it, the nearest to it), and the one with the least
    EDA; the fixed temperature with the least EDA, and those with the first chosen setting's mean tempered entropy (by straight lines)
    and mean temperature."""
    q, s = dev.quality.mean(axis=0), dev.diversity.mean(axis=0)
    (away,), (off,) = distances(q[None], s[None], dev.fixed, range(len(q)))
    gap = np.maximum(s[dev.fixed].min() - s, s - s[dev.fixed].max())
    methods = dict.fromkeys(dev.settings[i]["method"] for i in dev.having("candidate"))
    own = [[i for i in dev.having("candidate") if dev.settings[i]["method"] == method] for method in methods]
    best = [max(rows, key=lambda i: (not off[i], -gap[i] if off[i] else away[i])) for rows in own]  # the first of equals
    chosen = [dev.settings[i]["policy"] for i in best]
    trade_off, _, _ = eda(q, s, target)
    tuned = [dev.settings[min(rows, key=lambda i: trade_off[i])]["policy"] for rows in own]
    baseline = dev.settings[min(dev.fixed, key=lambda i: trade_off[i])]["policy"]
    found = {"chosen": chosen, "tuned": tuned, "baseline": baseline, "R of EDA": target}
    if not chosen[0].startswith("fixed:"):
        settings, means = run.settings["forced-dev"], forced_sums(run, "forced-dev").sum(axis=0)
        means = means[:, :4] / means[:, 4:]
        subject = [(x["policy"], x["filters"]) for x in settings].index(tuple(dev.named(best[0], "filters").values())[1:])
        curve_points = sorted((temperature_of(x["policy"]), means[i, 0]) for i, x in enumerate(settings) if x["role"] == "fixed")
        temperatures, entropies = zip(*curve_points, strict=True)
        if entropies[0] <= means[subject, 0] <= entropies[-1]:
            found["matched entropy"] = About(float(np.interp(means[subject, 0], entropies, temperatures)), 0.00051)
        found["matched temperature"] = About(float(means[subject, 1]), 0.00051)
    return found


def temperature_of(policy):
    """Of a fixed one."""
    return float(policy.removeprefix("fixed:temperature="))


def band(test):
    """The fixed curve at 41 diversities between its ends, with its interval."""
    q, s = test.quality[:, test.fixed], test.diversity[:, test.fixed]
    at = np.linspace(s.mean(axis=0).min(), s.mean(axis=0).max(), 41)

    def heights(qualities, diversities):
        curves = [curve(*pair) for pair in zip(diversities.tolist(), qualities.tolist(), strict=True)]
        return np.array([[height(found, x) for x in at] for found in curves])

    middle = heights(q.mean(axis=0)[None], s.mean(axis=0)[None])[0]
    low, high = interval(heights(resampled(q), resampled(s)), test.prompts)
    return [{"diversity": float(x), "quality": estimate(*ends)} for x, *ends in zip(at, middle, low, high, strict=True)]


def resampled_distances(q, s, fixed, settings):
    """Distances in each resample, and the share of resamples in which a setting lies off the curve: 1 where it does so in the sample."""
    samples, off = distances(resampled(q), resampled(s), fixed, settings)
    return samples, np.maximum(off.mean(axis=0), distances(q.mean(axis=0)[None], s.mean(axis=0)[None], fixed, settings)[1][0])


def effects(test, sequential):
    """Each chosen setting's distance to the curve in each quality. Comparable: the curve reaches it, in 95% of resamples too.

    detectable = z[.8] sd / sqrt(n) + half an interval at alpha = .05 / comparable effects, which is z[1 - alpha/2] sd / sqrt(n)
    unless sequential
    """
    found, spreads, chosen, n = [], [], test.having("chosen"), test.prompts
    for name in test.qualities:
        q, s = test.values[name], test.diversity
        samples, outside = resampled_distances(q, s, test.fixed, chosen)
        for i, drawn, share, parts in zip(chosen, samples.T, outside, influence(q, s, test.fixed, chosen).T, strict=True):
            mean, sd, on = float(parts.mean()), float(parts.std(ddof=1)), share <= 0.05
            ends = always_valid(mean, sd, n) if sequential else (*interval(drawn, n), bootstrap_p(drawn, n))
            effect = estimate(mean, *ends[:2]) if on else None
            found.append({**test.named(i), "metric": name, "effect": effect, "p": ends[2] if on else None, "outside": share})
            spreads.append(sd)
    family = max(1, sum(row["effect"] is not None for row in found))
    for row, sd, adjusted in zip(found, spreads, holm([row["p"] for row in found]), strict=True):
        error, alpha = sd / math.sqrt(n), 0.05 / family
        half = half_width(sd, n, alpha) if sequential else NORMAL.inv_cdf(1 - alpha / 2) * error
        row |= {"adjusted": adjusted, "detectable": None, "call": "not comparable"}
        if row["effect"]:
            better = "better" if row["effect"]["mean"].value > 0 else "worse"
            row |= {"detectable": NORMAL.inv_cdf(0.8) * error + half, "call": better if adjusted <= 0.05 else "no difference detected"}
    return found


def paired(test, one, other, name, differences, sequential, tested=True):
    """Mean over prompts of a difference, its interval, and p by sign flips (where sequential, both are the always-valid ones)."""
    mean = float(differences.mean())
    low, high, p = always_valid(mean, float(differences.std(ddof=1)), len(differences))
    if not sequential:
        low, high = interval(resampled(differences), len(differences))
        p = sign_flip_p(differences) if tested else None
    against = test.named(other)
    sides = {**test.named(one), "other_method": against["method"], "other": against["policy"]}
    return {**sides, "metric": name, "difference": estimate(mean, low, high), "p": p if tested else None}


def against_baseline(test, sequential):
    """Each tuned setting less the baseline, in each quality and in Self-BLEU (which has no p)."""
    (base,) = test.having("baseline")
    pairs = [(i, name) for name in (*test.qualities, "self_bleu") for i in test.having("tuned")]
    return [
        paired(test, i, base, name, test.values[name][:, i] - test.values[name][:, base], sequential, name != "self_bleu")
        for i, name in pairs
    ]


def against_ablations(test, sequential):
    """The subject less each ablation: in distance to the curve, where both are comparable (tested), then in quality and in Self-BLEU."""
    subject, others = test.having("chosen")[0], test.having("shuffled", "matched entropy", "matched temperature")
    _, outside = resampled_distances(test.quality, test.diversity, test.fixed, range(len(test.settings)))
    parts = influence(test.quality, test.diversity, test.fixed, range(len(test.settings)))
    name, on = test.qualities[0], [i for i in others if outside[subject] <= 0.05 and outside[i] <= 0.05]
    found = [paired(test, subject, i, f"{name} at equal diversity", parts[:, subject] - parts[:, i], sequential) for i in on]
    for column in (name, "self_bleu"):
        values = test.values[column]
        found += [paired(test, subject, i, column, values[:, subject] - values[:, i], sequential, tested=False) for i in others]
    return found


def best_of(dev):
    """For each method and k: over 400 halvings of dev, the effect on one half of the best of k settings on the other, over all sets of k.

    The setting of rank j among n is the best of k in C(n - 1 - j, k - 1) of the C(n, k) sets; those off the curve are left out.
    """
    generator, n = np.random.default_rng(0), dev.prompts
    halves = np.zeros((400, n))
    for half in halves:
        half[generator.permutation(n)[: n // 2]] = 2 / (2 * (n // 2))
    rest = (halves == 0) / (n - n // 2)
    candidates = dev.having("candidate")
    (chooser, off_a), (outcome, off_b) = (distances(w @ dev.quality, w @ dev.diversity, dev.fixed, candidates) for w in (halves, rest))
    found = []
    for method in dict.fromkeys(dev.settings[i]["method"] for i in candidates):
        own = [column for column, i in enumerate(candidates) if dev.settings[i]["method"] == method]
        totals = [[0.0, 0] for _ in own]  # over splits, by k: effects, and sets whose best lies on the curve
        for a, b, no_a, no_b in zip(chooser[:, own], outcome[:, own], off_a[:, own], off_b[:, own], strict=True):
            order = sorted(range(len(own)), key=lambda j: (no_a[j], 0 if no_a[j] else -a[j]))
            for j, setting in enumerate(order):
                for k in range(1, len(own) + 1 if not no_b[setting] else 1):
                    sets = math.comb(len(own) - 1 - j, k - 1)
                    totals[k - 1][0] += sets * b[setting]
                    totals[k - 1][1] += sets
        found += [{"method": method, "k": k, "effect": total / sets} for k, (total, sets) in enumerate(totals, 1) if sets]
    return found


def forced_sums(run, stage):
    """Sums over a reference's tokens of tempered entropy, T, NLL, NLL exact, and 1: [prompts, settings, 5].

    NLL is that of the tempered distribution with 1% of the untempered one (T = 1) in it: -ln(.99 exp(-exact) + .01 exp(-untempered))
    """
    policies = [setting["policy"] for setting in run.settings[stage]]
    sums = np.zeros((len(run.units(stage)), len(policies), 5))
    for row, unit in enumerate(run.units(stage)):
        untempered = np.array(run.steps[stage][unit, policies.index("fixed:temperature=1")]["nll"])
        for i in range(len(policies)):
            line = run.steps[stage][unit, i]
            nll = -np.log(0.99 * np.exp(-np.array(line["nll"])) + 0.01 * np.exp(-untempered))
            sums[row, i] = sum(line["tempered_entropy"]), sum(line["temperature"]), nll.sum(), sum(line["nll"]), len(nll)
    return sums


def forced(run):
    """Per-token means of each setting above greedy; its NLL less that of the fixed temperature with its tempered entropy (by the curve)."""
    settings, sums = run.settings["forced-test"], forced_sums(run, "forced-test")
    total, drawn = sums.sum(axis=0), resampled(sums)
    (entropy, temperature, nll, exact), (h, _, y, _) = ((x[..., :4] / x[..., 4:]).T for x in (total, drawn.swapaxes(0, 1)))
    low, high = interval(y, len(sums))
    fixed, points = ([i for i, s in enumerate(settings) if s["role"] == role] for role in ("fixed", "candidate"))
    away, off = distances(nll[None], entropy[None], fixed, points)
    ends = interval(distances(y, h, fixed, points)[0], len(sums))
    far = {i: estimate(away[0, c], *ends[:, c], tolerance=SIX_DIGITS) for c, i in enumerate(points) if not off[0, c]}
    return [
        {
            "method": s["method"],
            "policy": s["policy"],
            "temperature": About(temperature[i], SIX_DIGITS),
            "entropy": About(entropy[i], SIX_DIGITS),
            "nll": estimate(nll[i], low[i], high[i], tolerance=SIX_DIGITS),
            "exact": About(exact[i], SIX_DIGITS),
            "distance": far.get(i),
        }
        for i, s in enumerate(settings)
        if s["role"] != "greedy"
    ]


def bins(values, edges):
    """Each value's bin (the last holds what lies above too), and of each bin the values that rounding may have moved in or out of it.

    Values that are all the same are a fixed temperature, which six digits write in full.
    """
    found = np.minimum(np.searchsorted(edges, values.astype(float), side="right") - 1, len(edges) - 2)
    near = np.abs(values[:, None] - np.array(edges[1:-1])) <= SIX_DIGITS * values[:, None]
    loose = np.concatenate([[0], near.sum(axis=0) if np.ptp(values) else 0 * near[0], [0]])
    return found, loose[:-1] + loose[1:]


def distribution(values, edges, method, policy):
    """The share of values in each bin, rounded to five decimals first."""
    found, loose = bins(np.round(values, 5), edges)
    shares = np.bincount(found, minlength=len(edges) - 1) / len(values)
    allowed = [About(share, 1e-6 + n / len(values)) for share, n in zip(shares, loose, strict=True)]
    return {"method": method, "policy": policy, "edges": list(edges), "shares": allowed}


def token_distributions(run, test):
    """Of H, T and the number of tokens, over what the baseline and the chosen settings generated on test."""
    shown, longest = test.having("baseline", "chosen"), run.recipe["max_new_tokens"]
    lines = {i: [line for unit in run.units("test") for line in run.texts["test"][unit, i]] for i in shown}
    tokens = {key: {i: np.array([x for line in lines[i] for x in line[key]], dtype=np.float64) for i in shown} for key in "HT"}
    top = max(0.1, math.ceil(10 * round(max(float(t.max()) for t in tokens["T"].values()), 5)) / 10)
    steps = [*range(0, longest, max(1, longest // 24)), longest, longest + 1]
    edges = {"H": ENTROPY_EDGES, "T": [round(top * i / 24, 6) for i in range(25)]}
    names = {i: tuple(test.named(i).values()) for i in shown}
    h, t = ([distribution(tokens[key][i], edges[key], *names[i]) for i in shown] for key in "HT")
    return h, t, [distribution(np.array([line["tokens"] for line in lines[i]]), steps, *names[i]) for i in shown]


def acting(run, subject):
    """H of the references' steps, and the mean T that each of the subject's settings gives the steps of a bin (None without steps)."""
    settings, units = run.settings["forced-test"], run.units("forced-test")
    own = [i for i, s in enumerate(settings) if s["method"] == subject and s["role"] == "candidate"]
    steps = {i: [run.steps["forced-test"][unit, i] for unit in units] for i in own}
    entropy = np.array([h for line in steps[own[0]] for h in line["entropy"]], dtype=np.float32)
    found, loose = bins(entropy, ENTROPY_EDGES)
    temperatures = []
    for i in own:
        t = np.array([x for line in steps[i] for x in line["temperature"]])
        groups = [t[found == b] for b in range(len(loose))]
        means = [About(g.mean(), SIX_DIGITS + t.max() * k / len(g)) if len(g) else None for g, k in zip(groups, loose, strict=True)]
        temperatures.append([settings[i]["policy"], means])
    return {"entropy": distribution(entropy, ENTROPY_EDGES, "references", ""), "temperatures": temperatures}


def contrasts(run, test):
    """The prompts of the subject's largest gain, largest loss and (lower) median, with their texts, scores and tokens."""
    roles = [s["role"] for s in test.settings]
    sides = roles.index("matched entropy" if "matched entropy" in roles else "baseline"), roles.index("chosen")
    differences = test.quality[:, sides[1]] - test.quality[:, sides[0]]
    median = np.sort(differences)[(len(differences) - 1) // 2]
    spec = next(spec for spec in run.recipe["metrics"] if spec != "eda" and metric(spec)[1])
    found = []
    for why, value in (("largest gain", differences.max()), ("largest loss", differences.min()), ("median", median)):
        unit = differences.tolist().index(value)  # the first of equals
        example, texts = run.examples["test"][unit], []
        for side in sides:
            for line in run.texts["test"][unit, side]:
                (score,) = metric(spec)[2]([line["text"]], tuple(example["references"]))
                h, t, p = ([About(x, SIX_DIGITS) for x in line[key]] for key in "HTp")
                tokens = [{"entropy": a, "temperature": b, "probability": c} for a, b, c in zip(h, t, p, strict=True)]
                own = {key: line[key] for key in ("seed", "sample", "finish")}
                texts.append({**test.named(side), **own, "score": score, "tokens": tokens})
        shown = {"example": example["id"], "prompt": example["prompt"], "references": example["references"]}
        found.append({"why": why, **shown, "difference": value, "texts": texts})
    return found


def told(page):
    """What the headline and each sentence must say in numbers, in order and without signs; of findings that are compared elsewhere."""
    subject = page["effects"][0]

    def ends(estimate, digits=4):
        return [About(abs(estimate[end]), 0.51 * 10**-digits) for end in ("mean", "low", "high")] if estimate else []

    def p(row):
        return [About(row["adjusted"], 0.001)] if row["adjusted"] is not None else []

    missed = {i: [About(e["detectable"], 5.1e-5)] for i, e in enumerate(page["effects"]) if e["call"] == "no difference detected"}
    lines = [ends(e["effect"]) + p(e) + missed.get(i, []) for i, e in enumerate(page["effects"])]
    second = {r["metric"]: ends(r["difference"]) + p(r) for r in page["paired"] if r["method"] == subject["method"]}
    lines += [second[subject["metric"]] + second["self_bleu"]]
    lines += [ends(r["difference"]) + p(r) for r in page["ablations"] if p(r)]
    return lines + [ends(f["distance"], 3) for f in page["forced"] if f["policy"] == subject["policy"] and f["distance"]]


def notes(run, parts, sequential):
    """The numbers of the notes: each method's settings above greedy where they differ in number, none in what is said of a sequential run
    (twice below 100 prompts), then what is undefined of how many."""
    budgets = [sum(policy != "fixed:temperature=0" for policy in method["policies"]) for method in run.recipe["methods"]]
    missing = [(int(np.isnan(values).sum()), values.size) for part in parts for values in part.values.values()]
    looks = [[]] * sequential * (2 if parts[-1].prompts < 100 else 1)
    return [budgets] * (len(set(budgets)) > 1) + looks + [[n, size] for n, size in missing if n]


def dealt(run):
    """T of the shuffled texts, and beside it T of the subject's text of the same prompt, seed and sample, permuted by that key."""
    given, own = [], []
    subject = [s["role"] for s in run.settings["test"]].index("chosen")
    for (unit, _), lines in run.texts["shuffled"].items():
        key = int.from_bytes(sha256(run.examples["test"][unit]["id"].encode()).digest()[:8], "big") >> 1
        for line, source in zip(lines, run.texts["test"][unit, subject], strict=True):
            generator, order = np.random.default_rng([key, line["seed"], line["sample"]]), []
            while len(order) < len(line["T"]):
                order += generator.permutation(source["T"]).tolist()
            given += line["T"]
            own += order[: len(line["T"])]
    return given, own


# ---------------------------------------------------------------- Comparing


class About:
    """A value with the difference that is allowed."""

    def __init__(self, value, tolerance=1e-6):
        self.value, self.tolerance = value, tolerance


class Section:
    """Counts the numbers that are compared, and keeps the largest difference and what is wrong."""

    def __init__(self, name):
        self.name, self.numbers, self.largest, self.used, self.wrong = name, 0, 0.0, 0.0, []

    def compare(self, page, own, where=""):
        if isinstance(own, dict) and isinstance(page, dict):
            for key in sorted(own.keys() | page.keys()):
                self.compare(page.get(key), own.get(key), f"{where}.{key}")
        elif isinstance(own, list | tuple) and isinstance(page, list) and len(own) == len(page):
            for i, pair in enumerate(zip(page, own, strict=True)):
                self.compare(*pair, f"{where}[{i}]")
        else:
            self.compare_one(page, own if isinstance(own, About) else About(own), where)

    def compare_one(self, page, own, where):
        value = own.value.item() if isinstance(own.value, np.number) else own.value
        same = page == value
        if is_number(page) and is_number(value):
            difference = abs(page - value) / max(1.0, abs(value))
            same = difference <= own.tolerance
            self.numbers += 1
            self.largest, self.used = max(self.largest, difference), max(self.used, difference / own.tolerance)
        if not same:
            self.wrong.append(f"{self.name}{where}: the page has {page!r:.70}, the texts give {value!r:.70}")


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def recomputed(run):
    """The findings, section by section, from the exported lines alone."""
    specs, methods = run.recipe["metrics"], run.recipe["methods"]
    dev, test = Part(run, ["dev"], specs), Part(run, ["test", *(["shuffled"] if run.settings["shuffled"] else [])], specs)
    sequential = len(run.looks) > 1 or any(look["sequential"] for look in run.looks)
    curves = [m["name"] for m in methods if all(p.startswith("fixed:") for p in m["policies"])]
    subject = next(m["name"] for m in methods if m["name"] != curves[0])
    mean, greedy = dev.quality.mean(axis=0), dev.having("greedy")
    target = float(mean[greedy[0]] if greedy else mean.max()) or 1.0
    h, t, lengths = token_distributions(run, test)
    facts = {key: run.recipe[key] for key in ("model", "task", "samples", "seeds")} | {"recipe": run.recipe, "content": run.hash}
    facts |= {"subject": subject, "primary": test.qualities[0], "diversity": "self_bleu", "sequential": sequential}
    facts |= {"dev_prompts": dev.prompts, "test_prompts": test.prompts, "notes": notes(run, (dev, test), sequential)}
    facts["forced_tokens"] = int(forced_sums(run, "forced-test")[:, 0, -1].sum())
    return {
        "facts": facts,
        "choice": choice(run, dev, target),
        "rows": rows(test, specs, target) + rows(dev, specs, target),
        "band": band(test),
        "effects": effects(test, sequential),
        "paired": against_baseline(test, sequential),
        "ablations": against_ablations(test, sequential),
        "best_of": best_of(dev),
        "forced": forced(run),
        "acting": acting(run, subject),
        "entropies": h,
        "temperatures": t,
        "lengths": lengths,
        "contrasts": contrasts(run, test),
    }


def on_page(report):
    """The page's findings, section by section: sentences and notes as the numbers in them, and what dev chose from the rows of test."""
    with open(report, encoding="utf-8") as stream:
        page = json.loads(re.search(r'<script type="application/json" id="findings">(.*?)</script>', stream.read(), flags=re.DOTALL)[1])
    signatures, _ = page.pop("signatures"), page.pop("environments")
    roles = {row["role"]: row["policy"] for row in page["rows"] if row["stage"] == "test"}
    choice = {role: temperature_of(policy) for role, policy in roles.items() if role.startswith("matched")}
    for role in ("chosen", "tuned"):
        choice[role] = [row["policy"] for row in page["rows"] if row["stage"] == "test" and row["role"] == role]
    page["choice"] = choice | {"baseline": roles["baseline"], "R of EDA": float(re.search(r"R:([^|]+)", signatures["eda"])[1])}
    told = [re.sub(r"[a-z-]+:\S*=\S*", "", line) for line in (page.pop("headline"), *page.pop("sentences"))]  # without names of settings
    page["sentences"] = [[float(number) for number in re.findall(r"\d*\.\d{3,4}", line)] for line in told]
    page["notes"] = [[int(n) for n in re.findall(r" (\d+)(?=,| settings;| of | prompts)", note)] for note in page["notes"]]
    for token in (token for contrast in page["contrasts"] for text in contrast["texts"] for token in text["tokens"]):
        del token["piece"]
    page["facts"] = {key: page.pop(key) for key in FACTS}
    return page


def main(texts, report):
    run, page = Run(texts), on_page(report)
    run.recipe["metrics"] = page["facts"]["recipe"]["metrics"]  # a page may show others than the run was begun with
    own = recomputed(run)
    for name in ("paired", "ablations"):  # p is compared; Holm is over the page's, which sign flips of its own made
        for row, adjusted in zip(own[name], holm([row["p"] for row in page[name]]), strict=False):
            row["adjusted"] = adjusted
    own["sentences"] = told(page)
    if run.settings["shuffled"]:
        page["T dealt out"], own["T dealt out"] = dealt(run)
    print(f"{'section':14}{'numbers':>9}{'largest difference':>21}{'of its tolerance':>19}")
    wrong = []
    for name in sorted(own.keys() | page.keys(), key=[*own, *page].index):
        section = Section(name)
        section.compare(page.get(name), own.get(name))
        print(f"{name:14}{section.numbers:>9,}{section.largest:>21.1e}{section.used:>18.0%}{'  differs' if section.wrong else ''}")
        wrong += section.wrong[:5] + [f"{name}: {len(section.wrong) - 5} more"] * (len(section.wrong) > 5)
    print("\n".join(wrong) if wrong else "every number is the same")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/recompute.py texts.jsonl report.html")
    sys.exit(main(*sys.argv[1:]))
