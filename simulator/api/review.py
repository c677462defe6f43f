"""A SelfSubjectAccessReview: whether whoever asks may do something, as the authorizer would decide it.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access. Objects' names are not
looked at, because the authorizers here do not either.
"""

from collections.abc import Callable, Mapping

from simulator.client import Obj
from simulator.store import errors
from simulator.store.resources import AGGREGATED, Resource

_Authorize = Callable[[str, str, str, str], bool]


def reviewed(review: Obj, user: str, kinds: Mapping[str, Resource], authorize: _Authorize) -> Obj:
    """The review with its answer; ApiError 400 when it asks nothing. "No opinion" is a no, too."""
    asked = (review.get("spec") or {}).get("resourceAttributes")
    if not isinstance(asked, dict):
        raise errors.bad_request("spec.resourceAttributes: Required value")
    resource, subresource = asked.get("resource", ""), asked.get("subresource", "")
    kind, what = kinds.get(resource), f"{resource}/{subresource}" if subresource else resource
    known = kind is not None and AGGREGATED.get(what, kind.group) == asked.get("group", "")
    allowed = known and authorize(user, asked.get("verb", ""), what, asked.get("namespace", ""))
    return {**review, "metadata": {"creationTimestamp": None}, "status": {"allowed": allowed}}
