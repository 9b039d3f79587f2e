"""What is timed does what it says: entropies of the made logits, today's path, our draws, stop watches, texts."""

import time

import pytest
import torch
from benchmarks.compare_run import StopWatch
from benchmarks.logits import ENTROPIES, noise, peaked
from benchmarks.side_by_side import Contender
from benchmarks.texts import groups
from benchmarks.today import FILTERS, floor, step

import edt_sampling
from benchmarks import draw, tempering, transformers_step


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_logits_have_the_entropy_that_they_are_asked_for(entropy):
    rows = peaked(2, 32_000, entropy=entropy)
    assert edt_sampling.entropy(rows).tolist() == pytest.approx([entropy] * 2, rel=1e-3)
    assert not torch.equal(rows[0], rows[1])


def test_todays_path_draws_from_the_tempered_distribution():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]).double()).repeat(20_000, 1)
    torch.manual_seed(0)
    shares = torch.bincount(step(logits, "none")()[:, 0], minlength=3) / 20_000
    expected = torch.tensor([0.5, 0.3, 0.2]) ** (1 / 0.8)
    assert shares.tolist() == pytest.approx((expected / expected.sum()).tolist(), abs=0.015)  # 4 standard errors


@pytest.mark.parametrize(("filters", "kept"), [("none", 4), ("top-p", 3), ("top-k, top-p", 3), ("min-p", 2)])
def test_todays_path_and_ours_keep_the_same_words(filters, kept):
    """p ** (1 / 0.8) is about 0.62, 0.37, 0.009, 0.0005 of the whole: with min-p, 0.05 of 0.62 drops the third; top-p is set to need it."""
    p = torch.tensor([0.55, 0.36, 0.087, 0.003])
    logits = (p.log() * 0.8).repeat(4000, 1) if filters != "min-p" else torch.log(torch.tensor([0.6, 0.38, 0.015, 0.005])).repeat(4000, 1)
    torch.manual_seed(0)
    theirs = set(step(logits, filters)()[:, 0].tolist())
    evenly = [(i + 0.5) / 4000 for i in range(4000)]
    ours = set(edt_sampling.sample(logits, "fixed:temperature=0.8", uniform=evenly, filters=FILTERS[filters]).tolist())
    assert theirs == ours == set(range(kept))


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16])
def test_the_floor_takes_exponentials_in_float32(numbers):
    (first, second) = floor(noise(2, 50).to(numbers))()
    assert torch.equal(first, noise(2, 50).to(numbers).float().exp())
    assert second.data_ptr() == first.data_ptr()


@pytest.mark.parametrize("filters", FILTERS)
def test_every_contender_of_a_draw_draws(filters):
    calls = draw.contenders(noise(3, 700), filters)
    assert set(draw.COLUMNS.values()) == calls.keys()
    assert calls["today"]().shape == (3, 1)
    assert calls["EDT"]().token.tolist() == calls["edt.sample"]().tolist()
    assert calls["Fixed"]().temperature.tolist() == [0.8] * 3
    assert all(t < 0.8 for t in calls["EDT"]().temperature.tolist())


def test_every_contender_that_tempers_gets_the_logits_as_they_were():
    given = noise(2, 300)
    kept = given.clone()
    for contender in (c if isinstance(c, Contender) else Contender(c) for c in tempering.contenders(given).values()):
        for _ in range(2):
            contender.call(*(() if contender.before is None else (contender.before(),)))
    assert torch.equal(given, kept)


def test_a_step_of_transformers_draws_a_word_a_row():
    assert {call().shape for call in transformers_step.contenders(2, 300).values()} == {(2, 1)}


def test_what_is_measured_has_no_case_twice():
    for quick in (True, False):
        assert len(set(draw.shapes(quick))) == len(draw.shapes(quick))


def test_a_stop_watch_counts_calls_within_calls_once_and_leaves_inner_watches_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def taking(seconds, then=lambda: None):
        def call():
            now[0] += seconds
            then()

        return call

    inner = StopWatch()
    outer = StopWatch(inner)
    within = inner.around(taking(3, then=inner.around(taking(4))))
    outer.around(taking(10, then=within))()
    within()
    assert (inner.seconds, outer.seconds) == (14, 10)


def test_a_stop_watch_counts_what_a_generator_does_and_not_what_happens_between(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def generate():
        for number in range(2):
            now[0] += 5
            yield number

    watch, found = StopWatch(), []
    for number in watch.around(generate)():
        now[0] += 100
        found.append(number)
    assert found == [0, 1]
    assert watch.seconds == 10


def test_texts_of_a_prompt_repeat_each_other_and_those_of_others_do_not():
    texts = groups(3, 4)
    assert [len(group) for group in texts] == [4, 4, 4]
    assert texts == groups(3, 4) != groups(3, 4, seed=1)
    assert all(30 <= len(text.split()) <= 60 for group in texts for text in group)
    from edt_sampling.metrics.self_bleu import SelfBleu

    own = SelfBleu(k=3).scores([group[:3] for group in texts]).mean()
    other = SelfBleu(k=3).scores([[group[i] for group in texts] for i in range(3)]).mean()
    assert own > 0.1 > 2 * other


def test_the_other_libraries_metrics_are_those_of_ours():
    from benchmarks.metrics import nltk_self_bleu, rouge_l

    from edt_sampling.metrics.rouge_l import RougeL
    from edt_sampling.metrics.self_bleu import SelfBleu

    texts = groups(2, 4)
    assert nltk_self_bleu(texts) == pytest.approx(SelfBleu(k=4).scores(texts).tolist(), abs=1e-9)
    outputs, references = [text for group in texts for text in group[1:]], [[group[0]] for group in texts for _ in group[1:]]
    assert rouge_l(outputs, references) == RougeL().scores(outputs, references).tolist()
