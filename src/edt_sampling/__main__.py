"""``python -m edt_sampling``: the command ``edt``, for launchers that start modules."""

import sys

from edt_sampling.cli import main

if __name__ == "__main__":
    sys.exit(main())
