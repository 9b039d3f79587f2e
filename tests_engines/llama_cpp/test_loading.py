"""GGUF files from a path, and the bundled model from the user's cache folder."""

import os
import shutil

import pytest

from edt_sampling.engines.fingerprint import adapted
from edt_sampling.engines.llama_cpp import load
from edt_sampling.engines.llama_cpp.loading import bundled_gguf, conversion_mark


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "edt-sampling"


def test_the_bundled_model_is_converted_once(cache, gguf):
    file = bundled_gguf()
    assert file.parent == cache
    assert file.read_bytes() == gguf.read_bytes()
    written = file.stat().st_mtime_ns
    assert load(threads=1).model.name == "bundled"
    assert file.stat().st_mtime_ns == written
    assert os.listdir(cache) == [file.name]


def test_the_bundled_models_keys_and_values_are_float32(cache):
    assert load(threads=1).describe()["cache"] == "f32"
    assert load(threads=1, cache="f16").describe()["cache"] == "f16"


def test_the_fingerprint_changes_with_the_weights(gguf, tmp_path):
    other = tmp_path / "other.gguf"
    raw = bytearray(gguf.read_bytes())
    raw[-100] ^= 1
    other.write_bytes(raw)
    marks = [adapted("", file) for file in (gguf, other)]
    assert len({*marks, load(model=str(gguf), threads=1).fingerprint}) == 2
    assert all(len(mark) == 12 for mark in marks)


def test_another_model_or_another_converter_is_another_file(bundled, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(bundled, copy)
    assert conversion_mark(copy) == conversion_mark(bundled)
    with (copy / "config.json").open("a") as config:
        config.write(" ")
    assert conversion_mark(copy) != conversion_mark(bundled)


def test_a_folder_is_pointed_to_the_export(bundled):
    with pytest.raises(FileNotFoundError, match="is a folder: give a GGUF file; edt export gguf"):
        load(model=str(bundled))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"model 'nowhere.gguf' is not there"):
        load(model="nowhere.gguf")


@pytest.mark.parametrize(("content", "told"), [(b"hello", "not a GGUF file"), (b"GGUF\x03\x00\x00\x00", "llama.cpp .* does not read")])
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path, capfd, content, told):
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)
    with pytest.raises(OSError, match=told) as refused:
        load(model=str(file))
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "told"), [({"threads": 0}, "threads must be >= 1, got 0"), ({"cache": "q4"}, "cache must be auto, f32, f16, got 'q4'")]
)
def test_options_out_of_range_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        load(**options)


def test_rows_beyond_one_texts_length_print_no_warning(engine, capfd):
    engine.model.begin([1, 2, 3], rows=40, room=30)
    assert capfd.readouterr().err == ""
