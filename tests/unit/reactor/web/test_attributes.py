"""What the specification lets an attribute be, and JSON that means one thing only."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.web.events.attributes import checked, json_of, moment
from reactor.web.problem import Problem
from tests.unit.reactor.web.bad_events import outcome

GOOD = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}

# The specification's own examples of sources, and RFC 3986's of URIs and references.
SOURCES = [
    "https://github.com/cloudevents",
    "mailto:cncf-wg-serverless@lists.cncf.io",
    "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    "/cloudevents/spec/pull/123",
    "/sensors/tn-1234567/alerts",
    "1-555-123-4567",
    "ldap://[2001:db8::7]/c=GB?objectClass?one",
    "telnet://192.0.2.16:80/",
    "https://10.96.0.1:443",
    "//host/a",
    "a/b:c",
    "./a:b",
    "?q",
    "#f",
    "../../%41",
]


@pytest.mark.parametrize("source", SOURCES)
def test_every_uri_reference_is_a_source(source: str) -> None:
    assert checked({**GOOD, "source": source})["source"] == source


@pytest.mark.parametrize("source", [one for one in SOURCES if one.partition(":")[0].isalpha()])
def test_every_uri_is_a_dataschema(source: str) -> None:
    assert checked({**GOOD, "dataschema": source})["dataschema"] == source


@pytest.mark.parametrize("name", ["a", "a" * 20, "0", "knativearrivaltime"])
@pytest.mark.parametrize("value", ["", "text", "a b", "😀", 0, -(2**31), 2**31 - 1, True, False])
def test_an_extension_is_a_text_a_whole_number_or_a_truth(name: str, value: Any) -> None:
    assert checked({**GOOD, name: value})[name] == value


def test_null_is_the_same_as_absent() -> None:
    assert checked({**GOOD, "subject": None, "time": None, "partition": None}) == GOOD


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01t00:00:01z", 1.0),
        ("1970-01-01T01:00:00.5+01:00", 0.5),
        ("1970-01-01T00:00:00.123456789-00:00", 0.123456),
        ("2018-04-05T17:31:00Z", 1522949460.0),
    ],
)
def test_a_time_of_rfc_3339_is_read_with_its_zone(text: str, seconds: float) -> None:
    assert checked({**GOOD, "time": text})["time"] == text
    assert moment(text) == seconds


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain; charset=utf-8", "application/vnd.apache.thrift.binary", 'a/b;c="d e";f=g'],
)
def test_a_media_type_may_have_parameters(kind: str) -> None:
    assert checked({**GOOD, "datacontenttype": kind})["datacontenttype"] == kind


def test_json_of_32_levels_is_read_and_of_33_is_not() -> None:
    assert json_of(b"[" * 32 + b"]" * 32, "body")
    with pytest.raises(Problem, match="32 levels"):
        json_of(b"[" * 33 + b"]" * 33, "body")


@pytest.mark.parametrize("text", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 5000, '{"a":{"b":1,"b":1}}'])
def test_json_that_means_nothing_or_two_things_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        json_of(text.encode(), "body")
    assert caught.value.status == 400


@given(st.binary(max_size=80) | st.text(alphabet='[]{}",:0123456789.eE+-\\utrfalsn ', max_size=80).map(str.encode))
@settings(deadline=None)
def test_bytes_are_json_or_a_problem(raw: bytes) -> None:
    found = outcome(lambda: json_of(raw, "body"))
    assert not isinstance(found, Problem) or found.status == 400


@given(st.text(max_size=40), st.sampled_from(["source", "dataschema", "time", "datacontenttype", "id", "x"]))
@settings(deadline=None)
def test_a_text_is_an_attribute_or_a_problem_that_names_it(text: str, name: str) -> None:
    found = outcome(lambda: checked({**GOOD, name: text}))
    if isinstance(found, Problem):
        assert (found.status, found.attribute) == (400, name)
        assert len(found.found or "") <= 63
    else:
        assert found[name] == text
