"""Times that depend on one another, in seconds. `tests/unit/reactor/test_timing.py` checks which is shorter than which.

A time that nothing else depends on is defined where it is used.
"""

# One call to the API server: VMDRIFT_API_TIMEOUT, and its highest value.
API_TIMEOUT = 3.0
API_TIMEOUT_MOST = 6.0
# One delivery to the sink.
SINK_CONNECT, SINK_READ = 2.0, 4.0
# One call to a BMC; fencing by it takes two, read and then order.
BMC_CONNECT = 2.0
BMC_CALL = 5.0

# One call of a fence agent: many log in like a person does, and wait until the outlet reads off (20 s by default). Its
# answer counts for half a minute; an order runs on while its node's plugs are not read.
AGENT_STATUS = 20.0
AGENT_OFF = 60.0
# How long it counts that a plug was read as on.
PLUG_SEEN = 7 * 86400.0

# A provider of fencing that has not answered for so long (the longest call to a BMC) proves nothing, and the next one
# is asked to fence. Once one says that the node is dead, the others have VETO to say that it lives.
PROVIDER_ANSWERS = BMC_CALL
VETO = 1.0

# How long Redis may take for one answer where somebody waits to be shown something: page, /metrics, `vmdrift status`.
# Two such waits in a row (the answer, then the clock) are over within SHOWN_WITHIN.
REDIS_SHOWN = 0.8
SHOWN_WITHIN = 2.0

# The lock of a VM, and how often a pass renews it. A lock that a killed worker leaves behind lasts this long.
VM_LOCK = 12.0
VM_LOCK_RENEWED_EVERY = 3.0
# The lock of a node's fencing: no call of a provider takes longer.
FENCING_LOCK = 60.0

# A worker writes its heartbeat before each call; after this long without one its job is given to another. A scheduler
# writes that it lives as often.
BEAT_EVERY = 2.0
WORKER_SILENT = 8.0
# A job that left its queue this long ago and was not started was taken by a worker that died.
TAKEN_NOT_STARTED = 6.0
# A running job whose worker has written no heartbeat for this long counts as lost in a sweep.
JOB_ORPHANED = 60.0

# What is watched of an open outage counts for this long, and how often the waker says so again; a watch that brought
# nothing for WATCH_SILENT, no bookmark either (about one a minute), may be dead.
COVERED = 10.0
COVERED_EVERY = 2.0
WATCH_SILENT = 90.0
# The lock of the one process that is the waker.
WAKER_LOCK = 6.0

# From SIGTERM until a job is cut short at its next call; the receiver's processes end their requests, and are killed.
JOB_STOPS_WITHIN = 3.0
REQUESTS_END_WITHIN = 6.0
RECEIVER_KILLED_AFTER = 8.0
# `vmdrift run` kills its processes after this long, Kubernetes after terminationGracePeriodSeconds (k8s/base).
RUN_KILLS_AFTER = 10.0
KUBERNETES_KILLS_AFTER = 30.0

# Two clocks may differ by this; a clock that moves by more than STEP between two readings was set.
CLOCK_OFF = 5.0
CLOCK_STEP = 5.0
# Every working process compares its clock, and reports, this often; without a reading for so long a step may be missed.
LOOK_EVERY = 5.0
CLOCK_UNWATCHED = 15.0

# While an outage is open, watchers publish all Nodes and Leases this often, and each publication is kept for so long.
# A worker judges by one that is no older than this.
SUMMARY_EVERY = 2.0
SUMMARY_FRESH = 5.0
SUMMARY_KEPT = 10.0

# A watcher asks a suspected node's ports this often, and waits so long for all answers; what it heard counts, and is
# kept, for so long. Each node's ports are tried this often while it is healthy.
WITNESS_EVERY = 1.0
WITNESS_WAITS = 0.9
WITNESS_FRESH = 4.0
WITNESS_KEPT = 10.0
DRILL_EVERY = 600.0

# Each provider of a healthy node is tried this often, and one that could not fence it again after a shorter time.
FENCE_DRILL_EVERY = 3600.0
FENCE_DRILL_AGAIN = 300.0

# virt-handler writes its heartbeat every 60 s and up to 120 % more (KubeVirt, `heartbeat.go`).
HEARTBEAT_LONGEST = 132.0
SILENCE_LEAST = 140.0
