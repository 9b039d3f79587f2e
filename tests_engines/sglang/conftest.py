"""SGLang without a GPU: its package imports torchvision, whose published build needs one, for pictures that no test here reads."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

if find_spec("torchvision") is None:
    pictures = ModuleType("torchvision.io")
    pictures.decode_jpeg = None
    whole = ModuleType("torchvision")
    whole.__spec__, whole.io = ModuleSpec("torchvision", None), pictures
    sys.modules |= {"torchvision": whole, "torchvision.io": pictures}
