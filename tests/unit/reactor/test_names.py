"""What counts as a name of a Kubernetes object."""

import pytest

from reactor.model.errors import InvalidName
from reactor.model.names import is_name, named


@pytest.mark.parametrize("text", ["a", "node-1.rack-2.example.org", "0", "x" * 253])
def test_a_dns_subdomain_is_a_name(text: str) -> None:
    assert named(text) == text


@pytest.mark.parametrize("text", [None, 5, "", "A", "a/b", "..", "a..b", ".a", "a-", "a\n", "x" * 254, "é", "a_b"])
def test_anything_else_is_none(text: object) -> None:
    assert not is_name(text)
    with pytest.raises(InvalidName):
        named(text)
