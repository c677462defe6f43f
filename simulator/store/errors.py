"""The refusals of a real API server, in its own words (apimachinery `pkg/api/errors/errors.go`)."""

from simulator.client import ApiError, Obj
from simulator.store.resources import Resource


def not_served() -> ApiError:
    """404: no such kind here (for instance KubeVirt is not installed)."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(kind: Resource, name: str) -> ApiError:
    """404: no object of that name."""
    return ApiError(404, "NotFound", f'{kind.qualified} "{name}" not found', _details(kind, name))


def already_exists(kind: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    return ApiError(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', _details(kind, name))


def conflict(kind: Resource, name: str, why: str) -> ApiError:
    """409: the object is not the one, or not in the state, that the caller meant."""
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def expired(message: str) -> ApiError:
    """410: the asked-for resource version, or page, is too old: list again."""
    return ApiError(410, "Expired", message)


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def invalid(kind: Resource, name: str, why: str) -> ApiError:
    """422: understood, but the object would not be valid."""
    return ApiError(422, "Invalid", f'{kind.kind}.{kind.group} "{name}" is invalid: {why}')


def forbidden(user: str, verb: str, kind: Resource, subresource: str, namespace: str) -> ApiError:
    """403: the user may not do this, in the sentence that clients know."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    return ApiError(
        403,
        "Forbidden",
        f'{kind.qualified} is forbidden: User "{user}" cannot {verb} resource "{resource}" '
        f'in API group "{kind.group}" {where}',
    )


def may_not_impersonate(user: str, another: str) -> ApiError:
    """403: the user may not speak in another's name."""
    asked = 'cannot impersonate resource "users" in API group "" at the cluster scope'
    return ApiError(403, "Forbidden", f'users "{another}" is forbidden: User "{user}" {asked}')


def denied(kind: Resource, name: str, why: str) -> ApiError:
    """403: admission, which looks at what would be written, says no."""
    return ApiError(403, "Forbidden", f'{kind.qualified} "{name}" is forbidden: {why}', _details(kind, name))


def unauthorized() -> ApiError:
    """401: no token, or an unknown one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def _details(kind: Resource, name: str) -> Obj:
    group = {"group": kind.group} if kind.group else {}
    return {"name": name, **group, "kind": kind.plural}
