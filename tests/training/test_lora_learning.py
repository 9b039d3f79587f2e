"""Fine-tuning a tiny model: it learns, goes on where it was killed, and gives the checkpoint that is best on dev."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edt_sampling.engines.transformers import load
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.tasks import load_task
from edt_sampling.training.lora import checkpoints, result
from edt_sampling.training.lora.record import Record
from edt_sampling.training.lora.run import Session


class Killed(BaseException):
    """What no ``except Exception`` catches."""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "adapter_model.safetensors")


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], *, within: float = 0) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=within, msg=name)


def killed_at(session, step: int) -> None:
    """Runs it and kills it at the end of this step, before anything of the step is written."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if done == step:
            raise Killed

    object.__setattr__(session, "count", lambda *_: one_more)
    with pytest.raises(Killed):
        session.run()


def test_it_learns_and_its_log_says_how(begin):
    session = begin(max_steps=9, eval_every=4)
    record = session.run()
    assert [line["step"] for line in record.log] == [0, 4, 8, 9], "the last step too"
    losses = [line["dev_loss"] for line in record.log]
    assert losses[0] == pytest.approx(math.log(257), abs=0.5), "a random model is about as good as chance"
    assert losses[-1] < losses[0] - 1
    assert record.log[-1]["train_loss"] < record.log[1]["train_loss"]
    written = json.loads((session.folder / "training.json").read_text())
    assert written["log"] == record.log
    assert written["recipe"]["rank"] == 4
    assert written["parameters"]["trained"] == sum(w.numel() for w in weights(session.folder).values())
    assert (written["train"]["examples"], written["dev"]["examples"], written["train"]["left_out"]) == (24, 5, 0)
    assert record.log[-1]["tokens"] == 3 * written["train"]["tokens"], "9 steps of 8 are three passes over 24 examples; padding is not read"
    assert {"torch", "peft", "trl", "accelerate", "transformers"} <= written["starts"][0]["environment"].keys()


@pytest.mark.parametrize("rows", [{"dropout": 0.2, "gradient_accumulation": 2}, {"packing": True, "batch_size": 2}], ids=str)
def test_killed_and_resumed_it_ends_with_the_same_weights(begin, rows):
    whole = begin(out="whole", **rows)
    whole.run()
    killed_at(begin(**rows), 3)
    resumed = begin(told=(told := []), **rows)
    assert checkpoints.steps(resumed.folder) == [2]
    resumed.run()
    assert any("going on from step 2" in line for line in told)
    assert_equal(weights(resumed.folder), weights(whole.folder))
    logs = [[{**line, "seconds": 0} for line in Record(s.folder).log] for s in (resumed, whole)]
    assert logs[0] == logs[1]
    assert [start["step"] for start in json.loads((resumed.folder / "training.json").read_text())["starts"]] == [0, 2]
    assert forced_loss(resumed) == pytest.approx(logs[0][-1]["dev_loss"], abs=1e-4)


def test_a_checkpoint_whose_writing_was_cut_short_does_not_count(trained, tmp_path):
    folder = Path(shutil.copytree(trained, tmp_path / "copy"))
    assert checkpoints.steps(folder) == [6, 12]
    state = checkpoints.path_of(folder, 12) / "trainer_state.json"
    state.write_text(state.read_text()[:50])
    assert checkpoints.steps(folder) == [6]
    state.unlink()
    assert checkpoints.steps(folder) == [6]


def test_killed_before_the_model_was_written_it_only_writes_it(begin, monkeypatch):
    session = begin()
    with monkeypatch.context() as patched:
        patched.setattr(result, "write", killed)
        with pytest.raises(Killed):
            session.run()
    assert not (session.folder / "model").exists()
    monkeypatch.setattr(Session, "_learn", killed)
    begin(told=(told := [])).run()
    assert told == ["all steps are done"]
    assert_equal(weights(session.folder), load_file(checkpoints.path_of(session.folder, 4) / "adapter_model.safetensors"))
    files = written(session.folder)
    begin(told=(told := [])).run()
    assert told == ["all steps are done"], "and nothing, where all is written"
    assert written(session.folder) == files


def killed(*_, **__) -> None:
    raise Killed


def written(folder: Path) -> dict[Path, int]:
    """Its files and when each was written."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and not p.name.startswith("run.")}


@pytest.fixture
def astray(tmp_path: Path) -> dict[str, object]:
    """What leads astray: train answers are a's, dev answers begin like them and go on otherwise."""
    lines = [{"prompt": f"Say {i}:", "reference": "aaaaaa", "split": "train"} for i in range(8)]
    lines += [{"prompt": f"Say {i}:", "reference": "aazz", "split": "dev"} for i in range(8, 12)]
    (tmp_path / "astray.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    straight = {"learning_rate": 0.03, "schedule": "constant", "warmup": 0.0, "max_steps": 8, "eval_every": 1}
    return {"task": str(tmp_path / "astray.jsonl"), **straight}


def test_best_on_dev_is_the_lowest_and_is_kept(begin, astray):
    session = begin(**astray, keep=1)
    record = session.run()
    losses = {line["step"]: line["dev_loss"] for line in record.log if line["step"]}
    lowest = min(losses, key=lambda step: losses[step])
    assert 1 < lowest < 8, "the loss falls, then rises"
    assert record.chosen == {"step": lowest, "why": "best on dev", "dev_loss": losses[lowest]}
    assert checkpoints.steps(session.folder) == [lowest, 8]
    assert_equal(weights(session.folder), load_file(checkpoints.path_of(session.folder, lowest) / "adapter_model.safetensors"))
    assert forced_loss(session) == pytest.approx(losses[lowest], rel=1e-4)


def test_the_last_one_is_given_where_best_is_off(begin, astray):
    session = begin(**astray | {"eval_every": 4}, best=False)
    record = session.run()
    assert record.chosen == {"step": 8, "why": "last", "dev_loss": record.log[-1]["dev_loss"]}
    assert forced_loss(session) == pytest.approx(record.log[-1]["dev_loss"], rel=1e-4)


def forced_loss(session) -> float:
    """Nats a token of the dev answers, by the engine's teacher forcing: other code, one example at a time."""
    engine = load(model=str(session.folder / "model"))
    setting = Setting(policy=policy("fixed:temperature=1"))
    nats, tokens = 0.0, 0
    for example in load_task(session.material.recipe.task, split="dev").examples():
        forced = engine.force(Request(id=0, prompt=example.prompt, settings=(setting,)), example.references[0])
        nats += float(forced.nll.sum())
        tokens += len(forced.tokens)
    return nats / tokens


def test_what_saves_memory_gives_the_same_steps(begin):
    """Tokens weigh the same whatever part of a batch they fall into."""
    plain = begin(out="plain", dropout=0.0)
    saving = begin(out="saving", dropout=0.0, gradient_accumulation=4, gradient_checkpointing=True)
    for session in (plain, saving):
        session.run()
    assert plain.folder.name == saving.folder.name
    assert_equal(weights(saving.folder), weights(plain.folder), within=2e-4)


def test_a_loss_that_is_no_number_ends_it(begin):
    with pytest.raises(ValueError, match=r"loss is (nan|inf) at step \d+: training diverged; lower learning_rate"):
        begin(learning_rate=1e30, schedule="constant", warmup=0.0).run()
