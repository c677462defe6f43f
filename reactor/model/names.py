"""Names of Kubernetes' objects. Every name that was read in an object is checked here before it is requested.

Neither the API server nor KubeVirt checks names in other objects: a claim's, an owner's, such as
`../../other/persistentvolumeclaims/x`. What is not a valid name names nothing, and never becomes part of a path.
"""

import re

from reactor.model.errors import InvalidName

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/: a namespace is a DNS label, most others are
# DNS subdomains, whose parts have no limit of their own (IsDNS1123Subdomain of apimachinery).
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST = 253
_LONGEST_LABEL = 63


def is_name(text: object) -> bool:
    """Can an object have this name? Any namespace's name is one, too."""
    return isinstance(text, str) and len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Can a namespace have this name?"""
    return is_name(text) and len(text) <= _LONGEST_LABEL and "." not in text


def is_vm(text: str) -> bool:
    """Can this be a VM, as NAMESPACE/NAME?"""
    namespace, slash, name = text.partition("/")
    return bool(slash) and is_namespace(namespace) and is_name(name)


def named(text: object) -> str:
    """The name, or InvalidName: whoever requests what cannot exist has not checked what it was given."""
    if isinstance(text, str) and is_name(text):
        return text
    raise InvalidName(
        f"{str(text)[:60]!r} is not a valid name of a Kubernetes object, so no request was sent: a bug in vm-drift"
    )
