"""Engines by name: what is known, what is missing, and what an option is called."""

from __future__ import annotations

import sys

import pytest

from edt_sampling.cli import main
from edt_sampling.engines import ENGINES, load_engine


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_servers_are_told_to_be_asked_over_http(name):
    with pytest.raises(ValueError, match=rf"unknown engine '{name}'; .*vllm, sglang and other servers: --engine openai --base-url URL"):
        load_engine(name)


def test_an_option_that_an_engine_does_not_have():
    with pytest.raises(ValueError, match=r"^engine mlx has no option threads; its options: model, dtype, cache_bytes"):
        load_engine("mlx", threads=2)
    with pytest.raises(ValueError, match=r"^engine openai has no option device; its options: model, base_url"):
        load_engine("openai", model="m", base_url="http://nowhere/v1", device="cuda")


def test_an_option_that_an_engine_cannot_do_without(capsys):
    with pytest.raises(ValueError, match=r"^engine openai needs base_url: give --base-url$"):
        load_engine("openai", model="m")
    assert main(["generate", "a prompt", "--engine", "openai", "--model", "m"]) == 2
    assert capsys.readouterr().err == "edt: engine openai needs base_url: give --base-url\n"
    assert main(["compare", "--engine", "openai", "--limit", "2"]) == 2
    assert "engine openai needs base_url: give --base-url" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("llama-cpp", "llama_cpp"),
        ("mlx", "mlx_lm"),
        ("onnxruntime-genai", "onnxruntime_genai"),
        ("openai", "openai"),
        ("transformers", "torch"),
    ],
)
def test_a_missing_library_is_told_in_one_line(name, library, monkeypatch, capsys):
    module = ENGINES.built_in[name].partition(":")[0]
    for loaded in [m for m in sys.modules if m == module or m.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    for other in [m for m in sys.modules if m.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, other)

    class Missing:
        """The library cannot be found."""

        def find_spec(self, fullname, path=None, target=None):
            if fullname.split(".")[0] == library:
                raise ModuleNotFoundError(f"No module named {library!r}", name=library)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(ImportError) as error:
        load_engine(name, model="x")
    assert str(error.value) == f"engine {name} needs {library}: pip install 'edt-sampling[{name}]'"


def test_generate_runs_on_another_engine(capsys):
    given = ["generate", "Compute the mean of", "--policy", "edt:t0=0.8,theta=0.5", "--max-new-tokens", "6", "--json"]
    assert main([*given, "--engine", "mlx", "--dtype", "float32"]) == 0
    of_mlx = capsys.readouterr().out
    assert main([*given, "--threads", "1"]) == 0
    assert of_mlx.count('"id"') == 6
    assert [line.split('"tokens"')[0] for line in of_mlx.splitlines()] == [
        line.split('"tokens"')[0] for line in capsys.readouterr().out.splitlines()
    ]
