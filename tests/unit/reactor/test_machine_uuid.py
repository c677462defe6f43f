"""Nodes that say the same of their machine, however they write it."""

import pytest

from reactor.model.machine_uuid import same, twins

UUID, TURNED = "4c4c4544-0043-3510-8051-b7c04f4a3532", "44454c4c-4300-1035-8051-b7c04f4a3532"


@pytest.mark.parametrize("other", [UUID, UUID.upper(), TURNED])
def test_a_uuid_is_the_same_in_any_case_and_with_the_first_three_fields_turned(other: str) -> None:
    assert same(UUID, other)
    assert twins({"a": UUID, "b": other, "c": "another"}) == {"a": ("b",), "b": ("a",)}


def test_what_is_not_known_is_the_same_as_nothing() -> None:
    assert not same("", "")
    assert twins({"a": "", "b": "", "c": UUID}) == {}
