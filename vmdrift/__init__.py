"""The command line, and `run`: the only place that sees everything. No other package imports it."""
