"""The doors: one file per outside thing, each with the interface that the house uses and its real adapter.

Every foreign error is translated here (`reactor.model.errors`); an import contract in pyproject.toml lists who else may
import these libraries. What does not belong here: decisions, and anything that knows what an outage or a drift is
beyond storing it.
"""
