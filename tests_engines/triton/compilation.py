"""Compiles every kernel as it is launched, for a GPU that need not be there; prints one JSON object a kernel.

    python compilation.py CAPABILITY

Public calls run on CPU tensors; instead of launching a kernel, its arguments' types are taken down and it is compiled to machine code.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.pop("TRITON_INTERPRET", None)

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

TYPES = {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32", torch.float64: "fp64"}
TYPES |= {torch.int32: "i32", torch.int64: "i64"}


def signature(names, values, fixed):
    """The types of arguments as Triton spells them; 1 and None are compiled in, as at a launch."""
    types = {}
    for name, value in zip(names, values, strict=True):
        if name in fixed or value is None or (isinstance(value, int) and value == 1):
            types[name] = "constexpr"
        elif isinstance(value, torch.Tensor):
            types[name] = f"*{TYPES[value.dtype]}"
        else:
            types[name] = "fp32" if isinstance(value, float) else "i32" if value < 2**31 else "i64"
    return types


def resources(cubin):
    """Registers a thread, and the bytes of memory that stand in for registers where there are too few."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
        told = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True).stdout
    found = {name: int(number) for name, number in re.findall(r"(REG|STACK|SHARED|LOCAL):(\d+)", told)}
    return {"registers": found["REG"], "spilled": found["STACK"] + found["LOCAL"], "shared": found["SHARED"], "bytes": len(cubin)}


def compiling(target, done):
    """What stands in for a launch."""

    def run(self, *args, grid, warmup, **kwargs):
        values = [*args, *(kwargs[name] for name in self.arg_names[len(args) :])]
        types = signature(self.arg_names, values, kwargs)
        constants = {name: value for name, value in zip(self.arg_names, values, strict=True) if types[name] == "constexpr"}
        place = f"{self.__name__} {types} {constants}"
        if place not in done:
            options = {"num_warps": kwargs["num_warps"]} if "num_warps" in kwargs else {}
            built = triton.compile(ASTSource(self, types, constants), target=target, options=options)
            done[place] = (
                {"kernel": self.__name__}
                | resources(built.asm["cubin"])
                | {
                    "approximate": sorted(set(re.findall(r"\b(?:lg2|ex2|sin|cos|tanh)\.approx\S*", built.asm["ptx"]))),
                }
            )

    return run


def calls(dtype):
    """Everything public, with every option that changes a kernel."""
    from edt_sampling import policy
    from edt_sampling.sampling import Filters
    from edt_sampling.sampling import torch as backend
    from edt_sampling.sampling import triton as ours

    specs = ["edt:t0=0.7,theta=0.2", "udt-varentropy:t0=1,theta=1", "udt-margin:t0=1,theta=1"]
    for vocab in (151_936,) if dtype == torch.bfloat16 else (100,):
        logits = torch.zeros(3, vocab, dtype=dtype)
        mixture, plain = (backend.mixture([policy(s) for s in names], like=logits) for names in (specs, specs[:1] * 3))
        u = torch.full((3,), 0.5)
        ours.temper_(logits, plain)
        ours.temper_(logits, mixture, applied=torch.ones(3), coming=0.7)
        ours.draw(logits, plain, uniform=u)
        ours.draw(logits, mixture, uniform=u, filters=Filters.parse("top_k=5,top_p=0.9,min_p=0.1"))
        ours.gumbel_draw(logits, plain, key=torch.zeros(3, dtype=torch.int64))
        ours.gumbel_draw(logits.t().contiguous().t(), mixture, key=torch.zeros(3, dtype=torch.int64))


def main():
    done = {}
    JITFunction.run = compiling(GPUTarget("cuda", int(sys.argv[1]), 32), done)
    for dtype in (torch.bfloat16, torch.float32):
        calls(dtype)
    for found in done.values():
        print(json.dumps(found))


if __name__ == "__main__":
    main()
