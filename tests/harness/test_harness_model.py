"""The harness's model type: its texts are our engine's, whatever they are batched with."""

import logging
from pathlib import Path

import pytest
from harness_task import CONTEXTS
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model
from lm_eval.models.huggingface import HFLM

from edt_sampling.engines.source import model_source
from edt_sampling.engines.transformers import load
from edt_sampling.harness.model import EdtLM, context_key
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Filters

EDT, FILTERS, STOP, LONGEST = "edt:t0=1,theta=0.2", "temperature,top_p=0.95", ["\n", "."], 8


def asked(contexts: list[str], **more: object) -> list[Instance]:
    kwargs = {"until": STOP, "max_gen_toks": LONGEST, **more}
    return [Instance("generate_until", {}, (c, dict(kwargs)), 0, metadata=("local", i, 1)) for i, c in enumerate(contexts)]


def texts(model: EdtLM, contexts: list[str], batch_size: int = 4) -> list[str]:
    model.batch_size_per_gpu = batch_size
    return model.generate_until(asked(contexts), disable_tqdm=True)


def test_it_is_found_by_its_name():
    assert get_model("edt") is EdtLM


def test_a_text_depends_on_neither_batch_nor_order_nor_neighbours(model: EdtLM):
    model.draw_with(EDT, filters=FILTERS, seed=3)
    together = texts(model, CONTEXTS)
    assert len(set(together)) > 3
    assert texts(model, CONTEXTS, batch_size=1) == together
    assert texts(model, CONTEXTS[::-1], batch_size=3) == together[::-1]
    assert texts(model, CONTEXTS[2:3]) == together[2:3]
    model.draw_with(EDT, seed=4)
    assert texts(model, CONTEXTS) != together


@pytest.mark.parametrize("spec", [EDT, "instance-edt:t0=1,theta=0.5", "fixed:temperature=0.9"])
def test_its_texts_are_the_engines_of_the_same_key_and_sample(model: EdtLM, spec: str):
    """Two loops that share the draw alone: transformers' own over padded batches, and ours over a shared prefix."""
    model.draw_with(spec, filters=FILTERS, seed=5, sample=2)
    context = CONTEXTS[1]
    found = texts(model, [context, CONTEXTS[0], context])
    request = Request(
        id=context_key(model.tok_encode(context)),
        prompt=context,
        settings=(Setting(policy=policy(spec), filters=Filters.parse(FILTERS)),),
        samples=4,
        seed=5,
        max_new_tokens=LONGEST,
        stop=tuple(STOP),
    )
    (completions,) = load(model="bundled", device="cpu").generate([request])
    assert [found[0], found[2]] == [c.text for c in completions[2:]], "equal contexts are further samples, from the given one on"


def test_greedy_is_the_harness_own(model: EdtLM):
    own = HFLM(model_source("bundled"), batch_size=4, device="cpu", dtype="float32")
    expected = own.generate_until(asked(CONTEXTS, do_sample=False), disable_tqdm=True)
    model.draw_with("fixed:temperature=0")
    assert texts(model, CONTEXTS) == expected


def test_what_a_task_asks_of_the_sampler_is_named_once_and_does_not_apply(model: EdtLM, caplog: pytest.LogCaptureFixture):
    model.draw_with(EDT, seed=3)
    expected = texts(model, CONTEXTS)
    model._told.clear()
    with caplog.at_level(logging.WARNING, logger="edt_sampling.harness.model"):
        for _ in range(2):
            found = model.generate_until(asked(CONTEXTS, do_sample=True, temperature=5.0, top_k=1, num_beams=2), disable_tqdm=True)
    assert found == expected
    own = [record.getMessage() for record in caplog.records if record.name == "edt_sampling.harness.model"]
    assert own == ["task local sets do_sample=True, num_beams=2, temperature=5.0, top_k=1: ignored, the policy and its filters decide"]


def test_until_and_the_length_stay_in_force(model: EdtLM):
    model.draw_with("fixed:temperature=0")
    short = model.generate_until(asked(CONTEXTS, max_gen_toks=3), disable_tqdm=True)
    assert all(len(model.tok_encode(text)) <= 3 for text in short)
    whole = texts(model, CONTEXTS)
    cut = model.generate_until(asked(CONTEXTS, until=[" of"]), disable_tqdm=True)
    assert any(" of" in text for text in whole)
    assert not any(" of" in text for text in cut)


def test_a_policy_that_needs_two_streams_is_refused(model: EdtLM):
    with pytest.raises(ValueError, match="kl-guided"):
        model.draw_with("kl-guided:t0=1,bandwidth=1")


def test_the_harness_cache_is_refused(model: EdtLM):
    from types import SimpleNamespace

    with pytest.raises(ValueError, match="use_cache must be off with model edt"):
        model.set_cache_hook(SimpleNamespace(dbdict={}))


def test_an_adapters_folder_is_its_base_with_the_adapter(model: EdtLM, tmp_path: Path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    base = AutoModelForCausalLM.from_pretrained(model_source("bundled"))
    get_peft_model(base, config).save_pretrained(tmp_path)
    adapted = EdtLM(str(tmp_path), policy=EDT, seed=3, batch_size=4, device="cpu")
    assert adapted.fingerprint == load(model=str(tmp_path), device="cpu").fingerprint
    assert adapted.fingerprint != model.fingerprint
    model.draw_with(EDT, seed=3)
    assert texts(adapted, CONTEXTS[:2]) != texts(model, CONTEXTS[:2])
