"""What is read out of docstrings of each style."""

from __future__ import annotations

from inspect import cleandoc

import pytest

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import Docstring
from edt_sampling.tasks.prose import clip, first_sentence, normalised
from edt_sampling.tasks.questions import SECTION_CHARACTERS, parameters, question_example, question_examples
from edt_sampling.tasks.summaries import lead_sentence, summary_and_body, summary_example

NUMPYDOC = cleandoc(
    """
    Compute the weighted mean along an axis.

    The mean is taken over finite entries only, e.g. NaN is skipped. Weights that
    are not given count as one, and a weight of zero removes an entry.

    Parameters
    ----------
    a : array_like
        Values to average, of any
        shape. Not changed.
    axis : int, optional
        .. versionadded:: 1.0
    keepdims : bool
        Whether reduced axes stay with size one.

    Returns
    -------
    out : ndarray
        The mean of the values.
    """
)
SYMPY = cleandoc(
    """
    Return the roots of a polynomial that lie in an interval.

    Parameters
    ==========

    f : Poly
        The polynomial whose roots are asked for.

    Examples
    ========

    >>> 1
    """
)
GOOGLE = cleandoc(
    """
    Loads the tensors of a checkpoint from a folder.

    Args:
        path (str): Where the checkpoint lies, a folder or one file inside it.
        strict (bool): Whether names that are missing should be an error for the caller.
    """
)


def test_numpydoc_parameters() -> None:
    assert parameters(NUMPYDOC) == [("a", "Values to average, of any shape."), ("keepdims", "Whether reduced axes stay with size one.")]


def test_sympy_parameters_end_at_the_next_heading() -> None:
    assert parameters(SYMPY) == [("f", "The polynomial whose roots are asked for.")]


def test_google_style_has_a_summary_and_no_questions() -> None:
    assert parameters(GOOGLE) == []
    assert summary_and_body(GOOGLE) == ("Loads the tensors of a checkpoint from a folder.", GOOGLE.partition("\n\n")[2])


def test_the_summary_example() -> None:
    example = summary_example(Docstring("m:mean", NUMPYDOC))
    assert example is not None
    assert (example.id, example.references) == ("m:mean", ("Compute the weighted mean along an axis.",))
    assert example.prompt == f"{example.evidence}\n\nOne-line summary:"
    assert lead_sentence(example) == "The mean is taken over finite entries only, e.g. NaN is skipped."


@pytest.mark.parametrize(
    "text",
    [
        "Only a summary of some length here.",
        "Too short.\n\n" + "word " * 30,
        "A summary that ends with a colon:\n\n" + "word " * 30,
        ".. deprecated:: 1.0 since long ago\n\n" + "word " * 30,
        "A summary in front of a table.\n\n" + "12 34 | 56 78 word\n" * 30,
        "Ein Satz \u00fcber etwas anderes hier.\n\n" + "word " * 30,
    ],
)
def test_what_is_not_prose_is_no_summary_example(text: str) -> None:
    assert summary_example(Docstring("m:f", text)) is None


def test_the_question_examples() -> None:
    first, second = question_examples(Docstring("m:mean", NUMPYDOC))
    assert (first.id, second.id) == ("m:mean(a)", "m:mean(keepdims)")
    assert first.prompt.startswith("Compute the weighted mean along an axis.\n\na : array_like\n")
    assert first.prompt.endswith("\n\nWhat is the parameter a?")
    assert question_example(Docstring("m:mean", NUMPYDOC), "axis") is None


def test_a_long_section_is_cut_so_that_the_answer_stays_inside() -> None:
    entries = "".join(f"p{i} : int\n    The number of things called p{i} that are counted here.\n" for i in range(60))
    docstring = Docstring("m:f", f"A function of many parameters.\n\nParameters\n----------\n{entries}")
    examples = question_examples(docstring)
    assert len(examples) == 60
    for example in examples:
        assert example.evidence is not None
        assert example.references[0] in " ".join(example.evidence.split())
        assert len(example.evidence) <= SECTION_CHARACTERS + 40


def test_the_lead_sentence_leaves_headings_out() -> None:
    example = Example(id="1", prompt="p", references=("r",))
    assert lead_sentence(example) == "p"
    body = "Parameters\n==========\n\nx : The first. The second."
    assert lead_sentence(Example(id="2", prompt=body, references=("r",), evidence=body)) == "x : The first."


def test_sentences_clipping_and_keys() -> None:
    assert first_sentence("Sum, i.e. Total, of a.b values. More.") == "Sum, i.e. Total, of a.b values."
    assert first_sentence("no stop") == "no stop"
    assert clip("one two three", 9) == "one two"
    assert clip("one", 9) == "one"
    assert normalised("The `Norm` of\n x_1!") == normalised("the norm of x 1") == "the norm of x 1"
