"""Builds the docs site and checks it: `python docs/build.py SITE` (`make docs`). Any warning is an error."""

import sys
from pathlib import Path

from check import report
from sphinx.cmd.build import main

HERE = Path(__file__).parent

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    strictly = ["--quiet", "--fail-on-warning", "--fresh-env", "--builder", "html"]
    sys.exit(main([*strictly, str(HERE), str(folder)]) or report(folder))
