"""All that is stored in Redis, one file a kind of key, each with its keys at its top; and the connection itself.

What does not belong here: RQ's jobs (`reactor.adapters.rq`). Only how many of them wait is read from RQ's keys.
"""
