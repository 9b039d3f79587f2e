"""The ONNX Runtime GenAI engine on the bundled model: against a plain loop, and against the transformers engine."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime_genai as og
import pytest

from edt_sampling import Filters, policy, uniforms
from edt_sampling.cli import main
from edt_sampling.engines import onnxruntime_genai as engines
from edt_sampling.engines import transformers
from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.onnxruntime_genai import OnnxModel
from edt_sampling.engines.onnxruntime_genai import export as exporting
from edt_sampling.engines.onnxruntime_genai.builder import bundled_onnx
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import reference

PROMPT = "Return the sum of all elements of an array."
SPECS = ("fixed:temperature=0", "edt:t0=0.9,theta=0.5", "instance-edt-running:t0=1,theta=0.5", "kl-guided:t0=1.2,bandwidth=0.5")
STEPS = 12


def request(specs=SPECS, filters="temperature,top_p=0.95", **options) -> Request:
    chosen = tuple(Setting(policy=policy(spec), filters=Filters.parse(filters)) for spec in specs)
    given = {"id": 3, "prompt": PROMPT, "without": "Return:", "settings": chosen, "samples": 4, "seed": 1, "max_new_tokens": STEPS}
    return Request(**(given | options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The bundled model as ONNX, exported into a cache that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"))
        return bundled_onnx()


@pytest.fixture(scope="module")
def engine(folder) -> LogitsEngine:
    return engines.load(model=str(folder), threads=1)


@pytest.fixture(scope="module")
def other():
    return transformers.load(threads=1)


@pytest.fixture(scope="module")
def completions(engine):
    (found,) = engine.generate([request()])
    return found


def test_generating_equals_a_plain_loop(engine, completions):
    """A new generator for every token, the oracle's draw under the request's counted numbers."""
    chosen, text = request().settings[1], []
    for step, u in enumerate(uniforms(1, 3, 1, STEPS)[: len(completions[5].trace.tokens)]):
        generator = og.Generator(engine.model._model, og.GeneratorParams(engine.model._model))
        generator.append_tokens(np.array([engine.model.tokenizer(PROMPT)["input_ids"] + text], dtype=np.int32))
        drawn = reference.draw(generator.get_logits()[:, -1], reference.mixture([chosen.policy]), uniform=[u], filters=chosen.filters)
        text.append(int(drawn.token[0]))
        assert completions[5].trace.temperature[step] == pytest.approx(drawn.temperature[0], rel=1e-4)
    assert completions[5].trace.tokens.tolist() == text


def test_texts_are_those_of_the_transformers_engine(completions, other):
    """Greedy, drawn, running mean and KL-guided alike: the same numbers draw the same tokens."""
    (expected,) = other.generate([request()])
    assert [c.trace.tokens.tolist() for c in completions] == [c.trace.tokens.tolist() for c in expected]
    assert [(c.text, c.finish) for c in completions] == [(c.text, c.finish) for c in expected]
    for found, wanted in zip(completions, expected, strict=True):
        np.testing.assert_allclose(found.trace.entropy, wanted.trace.entropy, atol=1e-3)
        np.testing.assert_allclose(found.trace.temperature, wanted.trace.temperature, atol=1e-3)


def test_a_row_alone_writes_what_it_writes_in_a_batch(engine, completions):
    for setting in (1, 3):
        (alone,) = engine.generate([replace(request(), settings=(request().settings[setting],), samples=1)])
        assert alone[0].trace.tokens.tolist() == completions[4 * setting].trace.tokens.tolist()


def test_more_rows_than_genai_takes_at_once(engine, other):
    """40 rows are 32 and 8; some end early, and rows behind them go on."""
    many = request(specs=("edt:t0=1,theta=0.2",), samples=40, max_new_tokens=6)
    (found,), (expected,) = engine.generate([many]), other.generate([many])
    assert [c.trace.tokens.tolist() for c in found] == [c.trace.tokens.tolist() for c in expected]


def test_rows_that_end_leave_the_others_as_they_are(engine, completions):
    word = completions[0].text.split()[1]
    (found,) = engine.generate([request(stop=(f" {word}",))])
    assert {c.finish for c in found} >= {"stop"}
    for a, b in zip(found, completions, strict=True):
        assert b.trace.tokens.tolist()[: len(a.trace.tokens)] == a.trace.tokens.tolist()


def test_forcing_and_reading_are_those_of_the_transformers_engine(engine, other):
    text = "Sum of array elements over a given axis"
    found, expected = engine.force(request(), text), other.force(request(), text)
    assert found.tokens.tolist() == expected.tokens.tolist()
    for name in ("entropy", "temperature", "tempered_entropy"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-3)
    np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-3, atol=1e-3)
    a, b = engine.read(PROMPT, text), other.read(PROMPT, text)
    np.testing.assert_allclose(a.probability, b.probability, atol=1e-3)
    assert a.rank.tolist() == b.rank.tolist()


def test_a_prompt_that_ends_with_the_end_token_is_read_whole(engine, other):
    """GenAI itself masks padding at a prompt's end, and here, as often, the end token is the padding too."""
    tokens = [5, 17, 0]
    own = og.Generator(model := og.Model(str(Path(engine.model.name))), og.GeneratorParams(model))
    own.append_tokens(np.array([tokens], dtype=np.int32))
    expected = other.read("x", [17, 0, 9])
    read = engine.read("x", [17, 0, 9])
    np.testing.assert_allclose(read.entropy, expected.entropy, atol=1e-3)
    assert np.abs(own.get_logits()[0, -1] - engine.model.logits(tokens, last=1)[0]).max() > 1
    np.testing.assert_allclose(engine.model.begin(tokens, rows=2, room=2).logits[1], engine.model.logits(tokens, last=1)[0], atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 5])
def test_logits_in_several_chunks_are_those_of_one_pass(engine, monkeypatch, chunk):
    """A chunk of 1 is what a model built with prune_lm_head needs."""
    tokens = list(range(5, 25))
    whole = engine.model.logits(tokens, last=12)
    monkeypatch.setattr(engine.model, "_chunk", chunk)
    np.testing.assert_allclose(engine.model.logits(tokens, last=12), whole, atol=1e-4)


def test_the_cache_is_split_where_it_would_not_fit(engine, folder, completions):
    """6 layers, keys and values, 4 heads of 64, float32: 12,288 bytes a position."""
    length = len(engine.model.tokenizer(PROMPT)["input_ids"]) + STEPS
    small = OnnxModel(folder, name="small", fingerprint="", threads=1, cache_bytes=12_288 * length * 5)
    assert small.rows_at_once(length - STEPS, room=STEPS) == 5
    tight = LogitsEngine(small)
    (found,) = tight.generate([request()])
    assert [c.trace.tokens.tolist() for c in found] == [c.trace.tokens.tolist() for c in completions]
    assert tight.cache() <= 12_288 * length * 5


def test_what_it_says_of_itself(engine, folder):
    told = engine.describe()
    assert (told["engine"], told["dtype"], told["device"], told["threads"]) == ("onnxruntime-genai", "float32", "cpu", 1)
    assert told["onnxruntime_genai"] == og.__version__
    assert engines.load(model=str(folder)).fingerprint == engine.fingerprint


def test_the_command_writes_what_the_engine_reads(tmp_path, monkeypatch):
    """The builder is stood in for: it runs once a test run, where the bundled model is exported."""
    seen = []

    def run(command, **options):
        seen.append(command)
        Path(command[command.index("-o") + 1]).mkdir()
        return type("Ran", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.chdir(tmp_path)
    assert main(["export", "onnx", "--out", "here", "--precision", "int4"]) == 0
    words = " ".join(seen[0])
    assert f"-o {tmp_path / 'here'} -p int4 -e cpu" in words
    assert "models/docs-6m" in words
    exporting("owner/name", out=tmp_path / "there")
    assert "-m owner/name" in " ".join(seen[1])
    (tmp_path / "there" / "file").touch()
    assert main(["export", "onnx", "--out", "there"]) == 2
    monkeypatch.setattr("edt_sampling.engines.onnxruntime_genai.builder.find_spec", lambda name: None if name == "onnx" else 1)
    with pytest.raises(ImportError, match=r"^exporting to ONNX needs onnx: pip install torch transformers onnx onnx-ir$"):
        exporting("bundled", out=tmp_path / "elsewhere")


def test_a_builder_that_fails_is_quoted_in_one_line(tmp_path, monkeypatch):
    failed = type("Ran", (), {"returncode": 1, "stderr": "Traceback\n\nValueError: no such model\n"})
    monkeypatch.setattr("subprocess.run", lambda command, **options: failed)
    with pytest.raises(OSError, match=r"^model 'x' cannot be exported: ValueError: no such model$"):
        exporting("x", out=tmp_path / "out")


def changed(folder: Path, to: Path, **parts) -> str:
    shutil.copytree(folder, to)
    config = json.loads((to / "genai_config.json").read_text())
    config["model"] |= parts
    (to / "genai_config.json").write_text(json.dumps(config))
    return str(to)


def test_bad_input(engine, folder, tmp_path):
    with pytest.raises(ValueError, match=r"^threads must be >= 1, got 0$"):
        engines.load(threads=0)
    with pytest.raises(
        FileNotFoundError, match=r"is not a folder with a genai_config\.json: edt export onnx --model FOLDER --out DIR writes one"
    ):
        engines.load(model=str(tmp_path))
    with pytest.raises(ValueError, match=r"has a vision beside its decoder"):
        engines.load(model=changed(folder, tmp_path / "more", vision={"filename": "x.onnx"}))
    with pytest.raises(OSError, match=r"^model '.*' cannot be loaded: [^\n]+$"):
        engines.load(model=changed(folder, tmp_path / "odd", type="unheard-of"))
    (tmp_path / "odd" / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"is not a folder with a tokenizer\.json"):
        engines.load(model=str(tmp_path / "odd"))
    with pytest.raises(ValueError, match="runs models as they are served, without dropout"):
        engine.read(PROMPT, "x", dropout=1)
    with pytest.raises(ValueError, match="exceed the 1024 positions of"):
        engine.check(request(max_new_tokens=1020))


def test_the_pages_blocks_run_to_the_letter(monkeypatch, capsys, folder):
    """One session, from top to bottom; bash blocks are for a shell."""
    page = (Path(__file__).parents[2] / "docs" / "engines" / "onnxruntime-genai.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    session: dict[str, object] = {}
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parents[1]))
    for block in blocks:
        exec(compile(block, "page", "exec"), session)
    printed = capsys.readouterr().out
    assert re.search(r"H \d+\.\d+ T \d\.\d+", printed)
    assert " array" in printed
