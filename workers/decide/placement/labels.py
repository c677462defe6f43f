"""Labels and who is chosen by them, as Kubernetes reads selectors and terms. Pure."""

from collections.abc import Mapping

from reactor.model.objects import Obj, part, parts, text, words


def selects(selector: Obj | None, labels: Mapping[str, str]) -> bool:
    """Does a LabelSelector choose this? A missing one chooses nothing, an empty one everything.

    Source: `LabelSelectorAsSelector` in apimachinery, pkg/apis/meta/v1/helpers.go.
    """
    if selector is None:
        return False
    same = all(labels.get(key) == value for key, value in part(selector, "matchLabels").items())
    return same and all(matches(rule, labels) for rule in parts(selector, "matchExpressions"))


def matches(rule: Obj, labels: Mapping[str, str]) -> bool:
    """https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#NodeSelectorRequirement."""
    value, wanted = labels.get(text(rule, "key")), words(rule, "values")
    match text(rule, "operator"):
        case "In" | "NotIn" as operator:
            return (value in wanted) is (operator == "In")
        case "Exists" | "DoesNotExist" as operator:
            return (value is not None) is (operator == "Exists")
        case "Gt":
            return value is not None and _number(value) > _number(*wanted)
        case "Lt":
            return value is not None and _number(value) < _number(*wanted)
    return False  # an operator that we do not know admits nothing


def _number(value: str = "", *_more: str) -> float:
    """NaN compares as False, so what is no number admits nothing."""
    return float(value) if value.lstrip("-").isdecimal() else float("nan")
