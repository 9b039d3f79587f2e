"""llama.cpp against the golden vectors."""

from edt_sampling.conformance.check import conformance
from edt_sampling.conformance.golden import golden
from edt_sampling.conformance.llama_cpp import LlamaCppSubject


def test_llama_cpp_makes_of_the_golden_vectors_what_the_oracle_does():
    findings = list(conformance(LlamaCppSubject(), golden()))
    assert [f.check for f in findings if f.verdict != "ok"] == []
    assert len(findings) > 10
