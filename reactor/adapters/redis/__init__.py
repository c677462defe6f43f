"""All that is stored in Redis, one file per kind of key, with its keys listed at the top; and the connection itself.

What does not belong here: RQ's jobs (`reactor.adapters.rq`). Only how many of them wait is read from RQ's keys.
"""
