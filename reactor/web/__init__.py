"""Events from other systems over HTTP: checked, accepted, and their state afterwards.

`app` is the Flask application; `serve` runs it, on `server`. `events` turns a request into events and writes what
was accepted, `auth` says who may post, and `page` is what people open. Nothing here decides anything about a drift:
an event is a hint, and the workers find out what to do about it.
"""
