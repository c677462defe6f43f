"""The command line, and `run`: the only place that sees everything. Nothing here is imported by anybody."""
