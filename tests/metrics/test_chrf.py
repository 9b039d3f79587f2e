"""chrF by hand and by sacrebleu."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu import sentence_chrf

from edt_sampling.metrics.chrf import Chrf

texts = st.text("abc 今天.", max_size=12)
references = st.lists(texts.filter(str.strip), min_size=1, max_size=3)


def test_by_hand() -> None:
    """ "ab" against "abc": P 1 and 1, R 2/3 and 1/2 for n = 1, 2; longer n-grams the output has none of."""
    precision, recall = 1, (2 / 3 + 1 / 2) / 2
    expected = 5 * precision * recall / (4 * precision + recall)
    assert Chrf().scores(["ab", "a b", "xy", ""], [["abc"]] * 4) == pytest.approx([expected, expected, 0, 0])
    assert Chrf(beta=1).scores(["ab"], [["abc"]]) == pytest.approx([2 * precision * recall / (precision + recall)])
    assert Chrf().scores(["今天"], [["今天好"]]) == pytest.approx([expected])


@given(st.lists(st.tuples(texts, references), max_size=4), st.sampled_from([0, 2]))
def test_is_sacrebleus_sentence_chrf(pairs: list[tuple[str, list[str]]], word_order: int) -> None:
    scores = Chrf(word_order=word_order).scores([output for output, _ in pairs], [several for _, several in pairs])
    assert scores.dtype == np.float64
    assert scores == pytest.approx([sentence_chrf(output, several, word_order=word_order).score / 100 for output, several in pairs])


@given(references)
def test_a_reference_scores_1_and_the_best_of_several_counts(several: list[str]) -> None:
    assert Chrf().scores([several[-1]], [several]).tolist() == [1]


def test_signature() -> None:
    assert Chrf().signature.startswith("chrF2|refs:max|case:mixed|eff:yes|nc:6|nw:0|space:no|version:sacrebleu-")
    assert "chrF1|" in Chrf(beta=1).signature
    assert "|nw:2|" in Chrf(word_order=2).signature


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="word_order must be 0 or more, got -1"):
        Chrf(word_order=-1)
    with pytest.raises(ValueError, match="beta must be 1 or more, got 0"):
        Chrf(beta=0)
    with pytest.raises(ValueError, match=r"references\[0\]\[0\] must hold text"):
        Chrf().scores(["a"], [[" "]])
