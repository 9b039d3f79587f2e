"""Folders with which transformers decodes by our policies: ``custom_generate`` repositories, and models that carry one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, GenerationMixin

from edt_sampling.engines.fields import SPEC, THETA, requested
from edt_sampling.engines.source import model_source
from edt_sampling.engines.transformers.config_fields import fields_of, honour_fields
from edt_sampling.engines.transformers.processor import KEEPS
from edt_sampling.policies import policy
from edt_sampling.sampling.contract import check_kept

PROGRAM = '''"""Sampling by edt-sampling's policies: ``model.generate(..., edt="edt:t0=0.8,theta=0.2", do_sample=True)``."""

from edt_sampling.engines.transformers.config_fields import honour_fields
from edt_sampling.engines.transformers.repository import generate

honour_fields()
__all__ = ["generate"]
'''
CARD = """---
library_name: transformers
tags:
- custom_generate
---

# Entropy-based dynamic temperature

`pip install 'edt-sampling[transformers]'`, then

```python
model.generate(**inputs, custom_generate="{name}", trust_remote_code=True, edt="edt:t0=0.8,theta=0.2", do_sample=True, top_p=0.95, top_k=0)
```

`edt` is a spec string of edt-sampling; a t0 that is left out is `temperature`. Penalties come before the policy, top-k and top-p behind it.
"""


def generate(inputs: Any = None, *, model: Any, generation_config: GenerationConfig | None = None, **options: Any) -> Any:
    """transformers' own ``generate`` with the policy of the arguments ``edt`` or ``edt_theta``, or else of the generation config.

    Raises ValueError for a policy that is none, or that needs what a logits processor does not keep.
    """
    honour_fields()
    config = GenerationConfig.from_dict((generation_config or model.generation_config).to_dict())
    fields = {name: options.pop(name) for name in (SPEC, THETA) if options.get(name) is not None} or fields_of(config)
    if fields:
        requested(fields, temperature=1.0)
        setattr(config, SPEC, fields.get(SPEC, f"edt:theta={fields.get(THETA)}"))
        setattr(config, THETA, None)  # one field alone, or transformers would put the model's other one beside it
    others = config.update(**options)
    mixin: Any = GenerationMixin
    return mixin.generate(model, inputs, generation_config=config, **others)


def write_repository(folder: Path, *, model: str | None = None, spec: str | None = None) -> None:
    """Writes a folder to push to the Hub: the program alone, or a copy of ``model`` with it, which samples by ``spec`` by default.

    Raises FileExistsError where the folder holds something, ValueError for a spec without a model, or one that cannot be kept.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder")
    if (model is None) != (spec is None):
        raise ValueError("model and policy go together: the policy is written into the model's generation config")
    if spec is not None:
        check_kept([policy(spec, t0=1.0)], KEEPS, keeper="a logits processor")
    program = folder / "custom_generate"
    program.mkdir(parents=True)
    (program / "generate.py").write_text(PROGRAM, encoding="utf-8")
    (program / "requirements.txt").write_text("edt-sampling\n", encoding="utf-8")
    if model is None or spec is None:
        (folder / "README.md").write_text(CARD.format(name=folder.name), encoding="utf-8")
    else:
        _copy_model(Path(model_source(model)), folder, spec)


def _copy_model(source: Path, folder: Path, spec: str) -> None:
    """A local model's files, its generation config with the policy in it."""
    if not source.is_dir():
        raise FileNotFoundError(f"model {str(source)!r} is not a folder: download it first (hf download {source})")
    for file in source.iterdir():
        if file.is_file():
            shutil.copy2(file, folder / file.name)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    config.pop("_from_model_config", None)
    path.write_text(json.dumps({"top_k": 0, **config, "do_sample": True, SPEC: spec}, indent=2) + "\n", encoding="utf-8")
