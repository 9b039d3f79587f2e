"""A diagnosis on a fake engine: its stages, going on, checkpoints and dropout, and findings that are computed again from the store."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_reading import ReadingEngine, diagnose, fake_diagnosis
from scipy import stats
from sklearn.metrics import roc_auc_score

from edt_sampling.experiments.diagnosis import estimates, outcomes
from edt_sampling.experiments.diagnosis.find import find_diagnosis
from edt_sampling.experiments.diagnosis.texts import read_texts
from edt_sampling.metrics.rouge_l import RougeL
from edt_sampling.store import REFERENCE, Reader, StoreError, export

POLICIES = ["edt:t0=0.8,theta=0.5"]


@pytest.fixture(autouse=True, scope="module")
def fewer():
    with pytest.MonkeyPatch.context() as patched:
        for module in (estimates, outcomes):
            patched.setattr(module, "RESAMPLES", 300)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve prompts, two policies, two checkpoints and three passes with dropout."""
    out = tmp_path_factory.mktemp("diagnosis")
    diagnosis = fake_diagnosis(12, policies=POLICIES, checkpoints=["a", "b"], dropout=3)
    diagnose(diagnosis, out, load=lambda folder: ReadingEngine(fingerprint=folder, tilt=1.0 if folder == "a" else -1.0))
    return diagnosis.folder(out)


@pytest.fixture(scope="module")
def findings(run: Path):
    with Reader(run) as reader:
        return find_diagnosis(reader)


def lines(folder: Path) -> list[str]:
    with Reader(folder) as reader:
        return list(export(reader))


def test_every_text_is_read_by_every_member(run: Path):
    with Reader(run) as reader:
        assert list(reader.stages()) == ["forced-dev", "samples", "read", "dropout-3", "checkpoint-a", "checkpoint-b"]
        for stage, passes in (("read", 1), ("dropout-3", 3), ("checkpoint-a", 1)):
            found = [(unit, key, model) for unit, key, model, _ in reader.readings(stage)]
            keys = [REFERENCE, *((setting, 0, sample) for setting in range(2) for sample in range(3))]
            assert found == [(unit, key, model) for unit in range(12) for key in keys for model in range(passes)]
        drawn = [trace.tokens.tolist() for trace in reader.traces("samples", start=0, stop=1)]
        read = [reading.tokens.tolist() for _, key, _, reading in reader.readings("read", unit=0) if key != REFERENCE]
        assert read == [[token % 30 for token in tokens] for tokens in drawn]


def test_numbers_are_those_of_other_tools(run: Path, findings):
    """AUROC by sklearn and Spearman by scipy, of the stored readings and texts, scored again."""
    with Reader(run) as reader:
        references = [reading for _, key, _, reading in reader.readings("read") if key == REFERENCE]
        drawn = [(unit, reading) for unit, key, _, reading in reader.readings("read") if key.setting == 1]
        texts, examples = [g.text for g in reader.generations("samples", setting=1)], reader.examples("dev")
    right = np.concatenate([r.rank == 0 for r in references])
    columns = {
        "entropy": lambda r: r.entropy,
        "1 - max p": lambda r: 1 - r.max_probability,
        "1 - margin": lambda r: 1 - r.margin,
        "varentropy": lambda r: r.varentropy,
    }
    tokens = findings.outcomes[0]
    over_texts, inside = (next(o for o in findings.outcomes if (o.kind, o.of) == (kind, POLICIES[0])) for kind in ("text", "within"))
    scores = RougeL().scores(texts, [examples[unit].references for unit, _ in drawn])
    for name, column in columns.items():
        own = next(r for r in tokens.rankings if r.measure == name)
        assert own.found.mean == pytest.approx(roc_auc_score(right, -np.concatenate([column(r) for r in references])), abs=1e-9)
        mean = np.array([-column(reading).mean() for _, reading in drawn])
        own = next(r for r in over_texts.rankings if r.measure == name)
        assert own.found.mean == pytest.approx(stats.spearmanr(mean, scores).statistic, abs=1e-9)
    within = [stats.spearmanr(mean[i : i + 3], scores[i : i + 3]).statistic for i in range(0, 36, 3) if np.ptp(scores[i : i + 3])]
    assert next(r for r in inside.rankings if r.measure == "varentropy").found.mean == pytest.approx(np.mean(within), abs=1e-9)
    assert (over_texts.items, inside.prompts, inside.items) == (36, len(within), 3 * len(within))
    assert findings.right.mean == pytest.approx(right.mean())


def test_differences_are_paired_and_holm_is_over_all_of_them(findings):
    tested = [r for o in findings.outcomes for r in o.rankings if r.p is not None]
    assert {o.statistic for o in findings.outcomes if any(r.p is not None for r in o.rankings)} == {"AUROC", "Spearman"}
    assert all(r.p is None for r in findings.outcomes[1].rankings), "Spearman of right and wrong is not tested again"
    least = min(tested, key=lambda r: r.p)
    assert least.adjusted == pytest.approx(min(1, least.p * len(tested)))
    for outcome in findings.outcomes:
        base = outcome.rankings[0]
        assert (base.measure, base.difference, base.p) == ("entropy", None, None)
        for ranking in outcome.rankings[1:]:
            if ranking.found and base.found:
                assert ranking.difference.mean == pytest.approx(ranking.found.mean - base.found.mean)


def test_ensembles_are_measures_beside_the_others(run: Path, findings):
    ensembles = ("checkpoint information", "checkpoint variance", "3-pass dropout information", "3-pass dropout variance")
    assert findings.measures == ("entropy", "1 - max p", "1 - margin", "varentropy", *ensembles)
    with Reader(run) as reader:
        text = read_texts(reader).all[3]
        stages = ("read", "checkpoint-a")
        read = [next(r for u, k, _, r in reader.readings(stage) if (u, k) == (text.unit, text.key)) for stage in stages]
    assert text.values.shape == (len(text.tokens), 8)
    assert (text.values[:, 4:] > 0).all()
    assert not np.allclose(read[0].watched, read[1].watched)


def test_the_same_run_again_reads_nothing_and_finds_the_same(run: Path, findings):
    engine = ReadingEngine()
    diagnosis = fake_diagnosis(12, policies=POLICIES, checkpoints=["a"])
    loaded = ReadingEngine(fingerprint="a")
    assert diagnose(diagnosis, run.parent, engine, load=lambda folder: loaded) == []
    assert engine.asked == []
    with Reader(run) as reader:
        again = find_diagnosis(reader)
    assert replace(again, recipe={}) == replace(findings, recipe={})


def test_a_diagnosis_that_was_stopped_goes_on_to_the_same_run(tmp_path: Path):
    """Stopped while decoding, then while reading, then while a checkpoint reads."""
    diagnosis = fake_diagnosis(4, checkpoints=["a"])
    load = lambda folder: ReadingEngine(fingerprint=folder, tilt=1.0)  # noqa: E731
    diagnose(diagnosis, tmp_path / "whole", load=load)

    class Stopping(ReadingEngine):
        left = 10**9

        def generate(self, requests):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().generate(requests)

        def read(self, *args, **options):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().read(*args, **options)

    with pytest.raises(KeyboardInterrupt):
        diagnose(diagnosis, tmp_path / "parts", Stopping())
    stopping = ReadingEngine()
    limited = Stopping(asked=[0, 0, 0])
    limited.left = 10
    with pytest.raises(KeyboardInterrupt):
        diagnose(diagnosis, tmp_path / "parts", limited)
    limited = Stopping(fingerprint="a", tilt=1.0)
    limited.left = 9
    with pytest.raises(KeyboardInterrupt):
        diagnose(diagnosis, tmp_path / "parts", stopping, load=lambda folder: limited)
    with Reader(diagnosis.folder(tmp_path / "parts")) as reader:
        assert reader.done("checkpoint-a") == [0]
        with pytest.raises(StoreError, match=r"not complete \(stage checkpoint-a\): the same edt diagnose goes on"):
            find_diagnosis(reader)
    ran = diagnose(diagnosis, tmp_path / "parts", load=load)
    assert ran == ["checkpoint-a"] * 3
    assert lines(diagnosis.folder(tmp_path / "parts")) == lines(diagnosis.folder(tmp_path / "whole"))


def test_more_prompts_go_on_and_fewer_are_refused(tmp_path: Path):
    diagnose(fake_diagnosis(3), tmp_path)
    assert diagnose(fake_diagnosis(5), tmp_path).count("read") == 2
    with pytest.raises(StoreError, match="holds 5 prompts already; give --limit 5 or more, or --out another folder"):
        diagnose(fake_diagnosis(4), tmp_path)


def test_what_decides_texts_names_the_run_and_the_rest_does_not():
    same = fake_diagnosis(3).content
    assert fake_diagnosis(3, checkpoints=["a"], dropout=2, device="cpu", metrics=["bleu", "self_bleu"]).content == same
    for other in ({"policies": POLICIES}, {"samples": 2}, {"seed": 1}, {"max_new_tokens": 5}, {"filters": "temperature"}):
        assert fake_diagnosis(3, **other).content != same


def test_a_model_without_dropout_is_refused_before_anything_is_run(tmp_path: Path):
    engine = ReadingEngine(drops=False)
    with pytest.raises(ValueError, match="this model has none"):
        diagnose(fake_diagnosis(3, dropout=2), tmp_path, engine)
    assert engine.asked == []


def test_the_model_itself_is_no_checkpoint_and_none_stands_twice(tmp_path: Path):
    with pytest.raises(ValueError, match="checkpoints: here has the weights of the model"):
        diagnose(fake_diagnosis(3, checkpoints=["here"]), tmp_path, load=lambda folder: ReadingEngine())
    with pytest.raises(ValueError, match="checkpoints: b has the weights of a"):
        diagnose(fake_diagnosis(3, checkpoints=["a", "b"]), tmp_path, load=lambda folder: ReadingEngine(fingerprint="x"))


def test_a_checkpoint_with_another_tokenizer_is_refused(tmp_path: Path):
    class Other(ReadingEngine):
        def read(self, prompt, text, **options):
            return super().read(prompt, f"{text} and more" if isinstance(text, str) else text, **options)

    with pytest.raises(ValueError, match="example dev0: stage checkpoint-x has another tokenizer than the model"):
        diagnose(fake_diagnosis(3, checkpoints=["x"]), tmp_path, load=lambda folder: Other(fingerprint="x"))


def test_another_environment_is_told_of_and_a_checkpoint_is_none(tmp_path: Path):
    told: list[str] = []
    load = lambda folder: ReadingEngine(fingerprint=folder, description={"engine": "fake", "fingerprint": folder, "threads": 2})  # noqa: E731
    base = ReadingEngine(description={"engine": "fake", "fingerprint": "fake", "threads": 2})
    diagnose(fake_diagnosis(2, checkpoints=["a"]), tmp_path, base, load=load, warn=told.append)
    diagnose(fake_diagnosis(3, checkpoints=["a"]), tmp_path, base, load=load, warn=told.append)
    assert told == []
    base.description["threads"] = 4
    diagnose(fake_diagnosis(4), tmp_path, base, load=load, warn=told.append)
    assert told
    assert all("threads 2 -> 4" in line for line in told)


def test_memory_is_kept_unit_by_unit(tmp_path: Path):
    engine = ReadingEngine(held=123)
    diagnose(fake_diagnosis(3), tmp_path, engine)
    diagnose(fake_diagnosis(4), tmp_path, engine)
    with Reader(fake_diagnosis(3).folder(tmp_path)) as reader:
        kept = [(m.stage, m.start, m.unit, m.bytes) for m in reader.memory()]
    for stage in ("samples", "read"):
        assert [row[1:] for row in kept if row[0] == stage] == [(1, 0, 123), (1, 1, 123), (1, 2, 123), (2, 3, 123)]


def test_policies_are_held_against_the_references(findings):
    fixed, edt = findings.acting
    assert (fixed.gap, fixed.right, fixed.cooled.mean) == (None, None, 0.0)
    assert [one.policy for one in findings.policies] == ["fixed:temperature=1", *POLICIES]
    assert edt.policy == POLICIES[0]
    assert len(fixed.temperatures) == len(fixed.entropy.shares) == len(fixed.entropy.edges) - 1


def test_findings_are_plain_data(findings):
    from edt_sampling.reports.diagnose_table import as_json

    plain = json.loads(json.dumps(as_json(findings), allow_nan=False))
    assert plain["headline"] == findings.headline
    assert plain["outcomes"][2]["name"] == "ROUGE-L, fixed:temperature=1"
