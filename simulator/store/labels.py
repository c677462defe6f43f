"""What a requirement on labels asks for, and a LabelSelector. Pure.

Source: kubernetes `apimachinery/pkg/labels/selector.go` (Matches) and `apis/meta/v1/helpers.go`
(LabelSelectorAsSelector).
"""

import re
from collections.abc import Callable, Mapping

from simulator.client import Obj

Labels = Mapping[str, str]
_INTEGER = re.compile(r"[+-]?[0-9]+")
_OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _exceeds(value, values, 1),
    "Lt": lambda value, values: _exceeds(value, values, -1),
}


def met(requirement: Obj, labels: Labels) -> bool:
    """Whether labels satisfy one requirement; with an operator that does not exist nothing does."""
    operator = _OPERATORS.get(requirement["operator"])
    return operator is not None and operator(labels.get(requirement["key"]), requirement.get("values") or [])


def selects(selector: Obj | None, labels: Labels) -> bool:
    """Whether a LabelSelector selects these labels: none selects nothing, an empty one everything."""
    if selector is None:
        return False
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(met(entry, labels) for entry in selector.get("matchExpressions") or ())


def _exceeds(value: str | None, values: list[str], sign: int) -> bool:
    """Gt and Lt compare whole numbers with exactly one; what is none is neither more nor less."""
    numbers = [value or "", *values]
    if len(values) != 1 or not all(map(_INTEGER.fullmatch, numbers)):
        return False
    present, wanted = map(int, numbers)
    return (present - wanted) * sign > 0
