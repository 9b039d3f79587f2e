"""BLEU against hand-worked values, sacrebleu and nltk."""

import math
from typing import Any

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu

from edt_sampling.metrics.bleu import Bleu

texts = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat."]), max_size=8).map(" ".join)
references = st.lists(texts.filter(bool), min_size=1, max_size=3)


def test_hand_worked() -> None:
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples stand in the reference; lengths are equal.
    assert Bleu().scores(["a b c d x"], [["a b c d e"]])[0] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    # Two words have two orders only; the reference is twice as long: exp(1 - 4/2).
    assert Bleu().scores(["a b"], [["a b c d"]])[0] == pytest.approx(math.exp(-1))


@given(texts, references)
def test_is_sacrebleu_sentence_bleu_over_100(output: str, several: list[str]) -> None:
    expected = sacrebleu.sentence_bleu(output, several).score / 100  # effective order and exp smoothing are its defaults
    assert Bleu().scores([output], [several]).tolist() == [min(expected, 1)]


@given(st.lists(st.tuples(texts, references), min_size=1, max_size=4))
def test_corpus_is_sacrebleu_corpus_bleu_with_references_transposed(pairs: list[tuple[str, list[str]]]) -> None:
    outputs, several = [output for output, _ in pairs], [rs for _, rs in pairs]
    streams: list[list[Any]] = [[rs[i] if i < len(rs) else None for rs in several] for i in range(max(map(len, several)))]
    expected = sacrebleu.corpus_bleu(outputs, streams).score / 100
    assert Bleu().corpus(outputs, several) == min(expected, 1)


def test_corpus_agrees_with_nltk() -> None:
    outputs = ["the cat sat on the mat today", "a dog ran over the green hill"]
    several = [["the cat sat on a mat", "a cat sat on the mat today"], ["a dog ran over the hill"]]
    split = corpus_bleu([[r.split() for r in rs] for rs in several], [output.split() for output in outputs])
    assert Bleu(tokenizer="none").corpus(outputs, several) == pytest.approx(split)


def test_chinese_needs_its_own_tokenizer() -> None:
    output, reference = "今天天气很好", "今天天气不好"
    assert Bleu().scores([output], [[reference]]).tolist() == [0]  # one word to 13a
    assert Bleu(tokenizer="zh").scores([output], [[reference]])[0] > 0.4


def test_an_empty_output_scores_0() -> None:
    assert Bleu().scores(["", "a"], [["a"], ["a"]]).tolist() == [0, 1]


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"tokenizer must be one of none, zh, 13a, .*, got '13b'"):
        Bleu(tokenizer="13b")
    with pytest.raises(ValueError, match="outputs must hold at least one text"):
        Bleu().corpus([], [])
    with pytest.raises(ValueError, match="got 0 lists for 1 outputs"):
        Bleu().scores(["a"], [])


def test_signatures() -> None:
    version = sacrebleu.__version__
    assert Bleu().signature == f"bleu|refs:all|case:mixed|eff:yes|tok:13a|smooth:exp|version:sacrebleu-{version}"
    assert Bleu(tokenizer="zh").corpus_signature == f"bleu|refs:all|case:mixed|eff:no|tok:zh|smooth:exp|version:sacrebleu-{version}"
