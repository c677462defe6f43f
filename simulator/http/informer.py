"""An informer over HTTP: it follows in a thread of its own until `close`, and tells listeners of each change."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import orjson
from urllib3.exceptions import HTTPError

from simulator.actors.retry import REFUSED_FOR_NOW
from simulator.client import ApiError, Obj
from simulator.store.objects import Key, key_of

Listener = Callable[[str], None]  # is told the plural resource name of what has changed
_GONE = 410
_PAUSE = 1.0  # seconds between two tries of a watch


class Source(Protocol):
    """The client that it reads through; both methods raise ApiError. `timeout`: seconds, for the first list."""

    timeout: float

    def listed(self, resource: str, namespace: str) -> tuple[list[Obj], str]:
        """A list and its resourceVersion."""

    def stream(self, resource: str, namespace: str, version: str) -> Any:
        """An open watch from a version on, as a response of urllib3; close it."""


class HttpInformer:
    """A list kept up to date by a watch in a thread of its own."""

    def __init__(self, client: Source, resource: str, namespace: str, listeners: Sequence[Listener]) -> None:
        self._client, self._resource, self._namespace = client, resource, namespace
        self._listeners = listeners
        self._objects: dict[Key, Obj] = {}
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._listed = False
        self._closed, self._response = threading.Event(), None
        self._thread = threading.Thread(target=self._follow, name=f"watch-{resource}", daemon=True)
        self._thread.start()

    @property
    def objects(self) -> Mapping[Key, Obj]:
        return self._objects

    def poll(self) -> list[tuple[str, Obj]]:
        """Waits only for the very first list: nobody shall take "not heard yet" for "there is none"."""
        changes: list[tuple[str, Obj]] = []
        while True:
            try:
                kind, what = self._news.get_nowait() if self._listed else self._news.get(timeout=self._client.timeout)
            except queue.Empty:
                if self._listed:
                    return changes
                raise ApiError(503, "ServiceUnavailable", f"no list of {self._resource} yet") from None
            if kind == "REFUSED":
                raise what
            self._listed = True
            changes += self._relisted(what) if kind == "LISTED" else [self._changed(kind, what)]

    def close(self) -> None:
        """Follow no more; returns when the thread has ended."""
        self._closed.set()
        response: Any = self._response
        if response is not None:
            with suppress(ValueError, TypeError, RuntimeError, OSError):  # it has ended by itself
                response.shutdown()
        self._thread.join()

    def _relisted(self, present: list[Obj]) -> list[tuple[str, Obj]]:
        """The difference to what was known; what was created anew under its old name had gone before."""
        by_key, known = {key_of(obj): obj for obj in present}, self._objects
        gone = [("DELETED", obj) for key, obj in known.items() if _uid(by_key.get(key)) != _uid(obj)]
        fresh = [("ADDED", obj) for key, obj in by_key.items() if _uid(known.get(key)) != _uid(obj)]
        stayed = [(known[key], obj) for key, obj in by_key.items() if _uid(known.get(key)) == _uid(obj)]
        changed = [("MODIFIED", new) for old, new in stayed if _version(old) != _version(new)]
        self._objects = by_key
        return [*gone, *fresh, *changed]

    def _changed(self, kind: str, obj: Obj) -> tuple[str, Obj]:
        if kind == "DELETED":
            self._objects.pop(key_of(obj), None)
        else:
            self._objects[key_of(obj)] = obj
        return kind, obj

    def _tell(self, kind: str, what: Any) -> None:
        self._news.put((kind, what))
        for listener in self._listeners:
            listener(self._resource)

    def _follow(self) -> None:
        version = ""
        while not self._closed.is_set():
            try:
                if not version:
                    items, version = self._client.listed(self._resource, self._namespace)
                    self._tell("LISTED", items)
                version = self._watch(version)
            except ApiError as error:
                version = ""
                if error.code not in {*REFUSED_FOR_NOW, _GONE}:
                    self._tell("REFUSED", error)
            except (HTTPError, OSError, ValueError):
                version = ""
            self._closed.wait(_PAUSE)

    def _watch(self, version: str) -> str:
        """Hear of changes until the server ends the watch; the version to go on from, "" to list anew."""
        response = self._response = self._client.stream(self._resource, self._namespace, version)
        rest = b""
        try:
            for chunk in response.stream(65536) if not self._closed.is_set() else ():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        return ""
                    version = _version(event["object"])
                    if event["type"] != "BOOKMARK":
                        self._tell(event["type"], event["object"])
        finally:
            self._response = None
            response.close()
        return version


def _uid(obj: Obj | None) -> str:
    return str(obj["metadata"]["uid"]) if obj else ""


def _version(obj: Obj) -> str:
    return str(obj["metadata"]["resourceVersion"])
