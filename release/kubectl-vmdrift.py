#!/usr/bin/env python3
"""Starts the command line that lies beside this file, in lib/; krew links to it. Any Python 3 can read this file."""

import os
import sys

LIB = os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib")
FIRST, LAST = (3, 11), (3, 14)

if not FIRST <= sys.version_info[:2] <= LAST:
    versions = FIRST + LAST + sys.version_info[:2]
    sys.exit("kubectl vmdrift: needs python3 between %d.%d and %d.%d; this is %d.%d" % versions)
sys.path.insert(0, LIB)

from vmdrift.cli import plugin

plugin()
