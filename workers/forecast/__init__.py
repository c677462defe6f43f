"""What will become of an outage's VMs, foreseen while their windows run: one job per outage, in the queue `drifts`.

What all of its VMs need is read at once, in lists (`lists`); over that the reader and the checks of a drift are run as
if the windows were over (`windows_over`), so no rule is written twice. It decides nothing, changes nothing in the
cluster, and gives way to every drift that waits for a worker. Lost forecasts are made again or are just missing.
Not here: what the search for VMs foresees with what it has read anyway (`workers.intake.foresee`), and what a drift
foresees when it is judged (`workers.drift.forecast`).
"""
