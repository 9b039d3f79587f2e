"""Runs ``edt train`` on two CPU processes that share each batch, as a launcher would start them.

A line of standard input is a run, in JSON: a folder for what each process prints, accelerate's configuration file or null (plain data
parallelism), and the command's arguments. Each is answered by the line ``done``, or an end. One process imports everything and is forked
for each run, which saves most of the time.

accelerate shards on GPUs alone: ``AcceleratorState`` turns FSDP on where ``distributed_type`` is MULTI_GPU or the like, and leaves it off
for MULTI_CPU. torch itself shards on CPUs too, by gloo; so that check is answered as on GPUs here; all behind it is what runs there.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import torch.multiprocessing as processes
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from accelerate.utils.launch import prepare_multi_gpu_env
from transformers import LlamaForCausalLM  # noqa: F401 - imported before the fork, as is what follows

import edt_sampling.training.lora.run  # noqa: F401
from edt_sampling.cli import main

PROCESSES = 2


def launched(config: str | None) -> dict[str, str]:
    """The environment that ``accelerate launch`` gives its processes with this configuration."""
    plain = ["--multi_gpu", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    how = ["--config_file", config] if config else plain
    asked = launch_command_parser().parse_args([*how, "--num_processes", str(PROCESSES), "-m", "edt_sampling"])
    arguments, *_ = _validate_launch_command(asked)
    return prepare_multi_gpu_env(arguments)


def as_on_gpus() -> None:
    """See above."""
    begin = PartialState.__init__

    def begun(self, *given, **more) -> None:
        begin(self, *given, **more)
        if self._shared_state["distributed_type"] == DistributedType.MULTI_CPU:
            self._shared_state["distributed_type"] = self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = begun


def process(rank: int, prints: str, config: str | None, arguments: list[str], port: int) -> None:
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": PROCESSES, "LOCAL_WORLD_SIZE": PROCESSES, "MASTER_PORT": port}
    os.environ |= launched(config) | {name: str(value) for name, value in own.items()} | {"MASTER_ADDR": "127.0.0.1"}
    if config:
        as_on_gpus()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(prints) / f"{rank}.{name}", os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.exit(main(arguments))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    for line in sys.stdin:
        prints, config, arguments = json.loads(line)
        Path(prints).mkdir()
        processes.start_processes(process, args=(prints, config, arguments, free_port()), nprocs=PROCESSES, start_method="fork")
        print("done", flush=True)
