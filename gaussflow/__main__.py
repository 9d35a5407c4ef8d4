"""Run the command line as ``python -m gaussflow``."""

import sys

from gaussflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
