"""`python -m simulator FOLDER TIMES VMS`; see `simulator.process`."""

import sys

from simulator.process import main

main(sys.argv[1:])
