"""The workers carry a drift out: lock, observe, decide, act, record.

`intake` turns an outage into one drift per VM; `drift` makes one pass over one drift and returns when the next is
due, or how it ended; `observe` reads the cluster and `decide` judges (pure); `fencing` proves lost nodes dead;
`delivery` reports to others; `app` maps a job to its pass, and `rq` is all that knows RQ. What does not belong here:
anything that senses outages, and anything that shows them.
"""
