"""Adapters: one package or file per external system, each with the interface that we use and its real implementation.

`kubernetes` is the API server, `redis` all that is stored there, `rq` the job queue, `redfish` the BMCs, `sink` where
events are delivered, `cloudevents` their format. Every library's error is translated here (`reactor.model.errors`); an
import contract in pyproject.toml lists who else may import these libraries. What does not belong here: decisions, and
anything that knows what an outage or a drift is beyond storing it.
"""
