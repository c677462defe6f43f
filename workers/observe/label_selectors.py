"""Which objects of a list a label selector means, of the forms that this project uses: `a=b,c in (d,e)`."""

import re
from collections.abc import Mapping

from reactor.model.objects import JsonObject, part

_TERM = re.compile(r"([^,=()\s]+)(?:=([^,]*)| in \(([^)]*)\))")
Requirements = Mapping[str, frozenset[str]]  # which label may have which values


def requirements(selector: str) -> Requirements:
    """What it asks for; "" asks for nothing."""
    terms = _TERM.findall(selector)
    return {key: frozenset(values.split(",")) if values else frozenset({value}) for key, value, values in terms}


def labels_of(obj: JsonObject) -> Mapping[str, str]:
    """Of an object."""
    return part(obj, "metadata", "labels")


def has(obj: JsonObject, wanted: Requirements) -> bool:
    """Does the object have all of them?"""
    labels = labels_of(obj)
    found = {key: labels.get(key) for key in wanted}
    return all(isinstance(value, str) and value in wanted[key] for key, value in found.items())
