"""`vmdrift doctor`: is everything there that vm-drift needs, and if not, what to do.

`examine` reads (facts), `judge` says what they mean (findings, pure), `show` prints them. Nothing is changed anywhere.
"""
