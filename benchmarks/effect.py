"""Each setting of a run against the curve of its fixed temperatures: ROUGE-L gained or lost at equal Self-BLEU.

The fixed settings' points (Self-BLEU, ROUGE-L), greedy left out, are joined by straight lines; a setting's effect is its vertical
distance to them, with a 95% bootstrap interval over prompts that resamples both. Settings are not chosen on dev and intervals are
not corrected for their number: this is a look at a run, not a verdict.

    python benchmarks/effect.py runs/docstrings-summary-...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from edt_sampling.experiments.measures import measures
from edt_sampling.experiments.score import score
from edt_sampling.significance.bootstrap import interval, resample_means
from edt_sampling.store import Reader


def effects(points: np.ndarray, fixed: list[int]) -> np.ndarray:
    """Distances ``[settings]`` of points (ROUGE-L, Self-BLEU) to the fixed ones' curve; nan outside its range."""
    quality, sameness = points[:, 0], points[:, 1]
    order = sorted(fixed, key=lambda i: sameness[i])
    return quality - np.interp(sameness, sameness[order], quality[order], left=np.nan, right=np.nan)


def main(run: Path) -> None:
    with Reader(run) as reader:
        recipe, settings = reader.recipe(), reader.settings()
        scores = score(reader, measures(["rouge_l", "self_bleu"], samples=recipe["samples"]))
    values = np.stack([scores.values["rouge_l"], scores.values["self_bleu"]], axis=-1)
    fixed = [i for i, s in enumerate(settings) if s.policy.startswith("fixed:") and s.policy != "fixed:temperature=0"]
    means = values.mean(axis=0)
    found = effects(means, fixed)
    resampled = np.stack([effects(points, fixed) for points in resample_means(values, resamples=4000, seed=0)])
    low, high = interval(np.where(np.isnan(resampled), found, resampled))
    print(f"{scores.prompts} prompts, K = {recipe['samples']}\n\n| setting | ROUGE-L | Self-BLEU | against fixed |\n|---|---|---|---|")
    for i, setting in enumerate(settings):
        if i not in fixed and not np.isnan(found[i]):
            told = f"{found[i]:+.3f} [{low[i]:+.3f}, {high[i]:+.3f}]"
            print(f"| `{setting.policy}` | {means[i, 0]:.3f} | {means[i, 1]:.3f} | {told} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
