"""Times that depend on one another, in seconds. `unit/reactor/test_timing.py` holds which are shorter than which.

A time that nothing else depends on stands where it is used.
"""

# One call to the API server: VMDRIFT_API_TIMEOUT, and its highest value.
API_TIMEOUT = 3.0
API_TIMEOUT_MOST = 6.0
# One delivery to the sink.
SINK_CONNECT, SINK_READ = 2.0, 4.0
# One call to a BMC; fencing by it takes two, read and then order.
BMC_CONNECT = 2.0
BMC_CALL = 5.0

# The lock of a VM, and how often a pass renews it: what a killed worker leaves behind lasts so long.
VM_LOCK = 12.0
VM_LOCK_RENEWED_EVERY = 3.0
# The lock of the fencing of a node: no call of a provider takes longer.
FENCING_LOCK = 60.0

# A worker beats before each call; after so long without a beat its job is given to another.
BEAT_EVERY = 2.0
WORKER_SILENT = 8.0
# A job that was taken out of its queue and not started for so long was taken by a worker that died.
TAKEN_NOT_STARTED = 6.0
# A running job whose worker has not beaten for so long counts as lost in a sweep.
JOB_ORPHANED = 60.0
# A scheduler's lock on its queues, and how often another one tries to get it.
SCHEDULER_LOCK = 8.0
SCHEDULER_TRIES_EVERY = 2.0

# From SIGTERM until a job is cut short at its next call; the receiver's processes end what is in hand, and are killed.
JOB_STOPS_WITHIN = 3.0
REQUESTS_END_WITHIN = 6.0
RECEIVER_KILLED_AFTER = 8.0
# `vmdrift run` kills its processes after so long, Kubernetes after terminationGracePeriodSeconds (k8s/base).
RUN_KILLS_AFTER = 10.0
KUBERNETES_KILLS_AFTER = 30.0

# Two clocks may differ by this; a clock that moves by more than STEP between two looks was set.
CLOCK_OFF = 5.0
CLOCK_STEP = 5.0
# Every process that works compares its clock, and reports, so often; without any look for so long a step may be missed.
LOOK_EVERY = 5.0
CLOCK_UNWATCHED = 15.0

# virt-handler writes its heartbeat every 60 s and up to 120 % more (KubeVirt, `heartbeat.go`).
HEARTBEAT_LONGEST = 132.0
SILENCE_LEAST = 140.0
