"""Names of Kubernetes' objects. Whatever an object says is a name passes here before it is asked for.

Neither the API server nor KubeVirt checks names that stand in other objects: a claim's, an owner's, such as
`../../other/persistentvolumeclaims/x`. What is no valid name is the name of nothing, and never becomes part of a path.
"""

import re

from reactor.model.errors import InvalidName

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (DNS subdomain)
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST = 253


def is_name(text: object) -> bool:
    """Can an object bear this name? A namespace, too."""
    return isinstance(text, str) and len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def named(text: object) -> str:
    """The name, or InvalidName: whoever asks for what cannot exist has not looked at what it was given."""
    if isinstance(text, str) and is_name(text):
        return text
    raise InvalidName(f"{str(text)[:60]!r} is no name of a Kubernetes object, so nothing was asked: a bug of vm-drift")
