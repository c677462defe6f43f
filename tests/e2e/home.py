"""Where vm-drift keeps what must last: its namespace and ConfigMaps, made where they lack, and taken away again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

from reactor.model import fencing, intervention
from reactor.settings import Settings
from simulator.client import ApiError, Client
from tests.support.commands import eventually

NAMESPACE = Settings().namespace
_GONE = 120.0  # seconds; a namespace of a real cluster takes a while to go
_Place = tuple[str, str, str]  # resource, name, namespace
_PLACES: tuple[_Place, ...] = (
    ("namespaces", NAMESPACE, ""),
    ("configmaps", intervention.CONFIG_MAP, NAMESPACE),
    ("configmaps", fencing.CLAIMS, NAMESPACE),
    ("configmaps", fencing.CONFIG_MAP, NAMESPACE),
)


@contextmanager
def home(client: Client) -> Iterator[None]:
    """As `k8s/base` has it; what was there before stays as it is. No proof can be written without."""
    with ExitStack() as stack:
        for place in _PLACES:
            if _made(client, place):
                stack.callback(_removed, client, place)
        yield


def _made(client: Client, place: _Place) -> bool:
    """Whether it was not there."""
    resource, name, namespace = place
    try:
        client.create(resource, {"metadata": {"name": name, "namespace": namespace} if namespace else {"name": name}})
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return False
    return True


def _removed(client: Client, place: _Place) -> None:
    resource, name, namespace = place

    def gone() -> bool:
        try:
            client.delete(resource, name, namespace)
        except ApiError as error:
            if error.code not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                raise
            return error.code == HTTPStatus.NOT_FOUND
        return False

    eventually(f"{resource} {name} is gone", gone, _GONE)
