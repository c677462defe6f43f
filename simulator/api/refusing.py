"""An API server that refuses: rights that nobody gave, or that somebody took away meanwhile; missing namespaces."""

from collections.abc import Callable

from simulator.api.api import Api
from simulator.audit import Request
from simulator.client import ApiError
from simulator.store import errors


def forbid(api: Api, user: str, **what: str) -> Callable[[], None]:
    """From now on a user may not do this: fields of a `Request`, none for everything. Returns what allows it again."""

    def fault(request: Request) -> ApiError | None:
        if request.user != user or any(getattr(request, name) != value for name, value in what.items()):
            return None
        kind = api.store.kind(request.resource)
        return errors.forbidden(user, request.verb, kind, request.subresource, request.namespace)

    api.faults.append(fault)
    return lambda: api.faults.remove(fault)


def unplaced(api: Api) -> None:
    """From now on nothing is created in a namespace that is not there (Kubernetes' admission NamespaceLifecycle)."""

    def fault(request: Request) -> ApiError | None:
        if request.verb == "create" and request.namespace:
            try:
                api.store.get("namespaces", request.namespace)
            except ApiError as error:
                return error
        return None

    api.faults.append(fault)
