"""Events from other systems over HTTP: checked, accepted, and what became of them.

`app` is the Flask application, `serve` runs it. `reading` turns a request into events (pure), `senders` says who may
post, `acceptance` has what was accepted written. Nothing here decides anything about a drift: an event is a hint, and
what is done about it is the workers' to find out.
"""
