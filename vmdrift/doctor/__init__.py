"""`vmdrift doctor`: is everything there that vm-drift stands on, and if not, what to do.

`examine` reads (facts), `judge` says what they mean (findings, pure), `show` tells it. Nothing is changed anywhere.
"""
