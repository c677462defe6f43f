"""Kubernetes' quantities as numbers."""

from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_MOST = Decimal(2**63)  # beyond it the API server cuts a quantity off


@lru_cache(maxsize=4096)
def quantity(text: str) -> int:
    """A Kubernetes quantity ("100m", "1Gi", "2e3") in thousandths; ValueError when it is none."""
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 - it brings another HTTP client with it

    try:
        return int((min(parse_quantity(text), _MOST) * 1000).to_integral_value(ROUND_CEILING))
    except (ValueError, ArithmeticError):  # infinity and NaN have no whole part
        raise ValueError(f"{text[:40]!r} is not a Kubernetes quantity") from None
