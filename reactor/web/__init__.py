"""Events from other systems over HTTP: checked, accepted, and what became of them.

`app` is the Flask application; `serve` runs it, on `server`. `events` turns a request into events and has what was
accepted written, `auth` says who may post, and `page` is what people open. Nothing here decides anything about a drift:
an event is a hint, and what is done about it is the workers' to find out.
"""
