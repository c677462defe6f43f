"""Settings: every default, and what a malformed value is answered with."""

from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import SettingsError
from reactor.settings import GONE, Settings, env_name

DEFAULTS: dict[str, object] = {
    "VMDRIFT_REDIS_URL": "redis://127.0.0.1:6379/0",
    "VMDRIFT_POLICY": "auto",
    "VMDRIFT_UNREACHABLE_WINDOW": 300.0,
    "VMDRIFT_VIRT_HANDLER_GRACE": 180.0,
    "VMDRIFT_NAMESPACE": "vm-drift",
    "VMDRIFT_MAX_UNREACHABLE": "40%",
    "VMDRIFT_SUSPECT_AFTER": 15.0,
    "VMDRIFT_DETACH_WINDOW": 360.0,
    "VMDRIFT_DETACH_POLICY": "wait",
    "VMDRIFT_TENANTS_MAY": (),
    "VMDRIFT_NODES_MAY_OPT_OUT": False,
    "VMDRIFT_MIN_AVAILABLE_NODES": 2,
    "VMDRIFT_SHARED_CSI_DRIVERS": (),
    "VMDRIFT_ALLOW_UNFENCED_RWX": False,
    "VMDRIFT_DELETE_UNEVICTED": False,
    "VMDRIFT_START_DEADLINE": 1800.0,
    "VMDRIFT_FENCING": (),
    "VMDRIFT_FENCE_AFTER": 180.0,
    "VMDRIFT_FENCE_AT": "unreachable",
    "VMDRIFT_WITNESS_PORTS": (10250,),
    "VMDRIFT_NODE_NAME": "",
    "VMDRIFT_FENCE_BYSTANDERS": "accept",
    "VMDRIFT_DEAD_PODS": "delete",
    "VMDRIFT_MAX_FENCES": 4,
    "VMDRIFT_FENCE_PERIOD": 3600.0,
    "VMDRIFT_FENCE_CONTROL_PLANE": False,
    "VMDRIFT_CEPH_NAMESPACE": "rook-ceph",
    "VMDRIFT_FENCE_DEADLINE": 300.0,
    "VMDRIFT_TAINT_TIMEOUT": 600.0,
    "VMDRIFT_REQUIRE_FENCE": False,
    "VMDRIFT_REMEDIATION_TEMPLATE": "",
    "VMDRIFT_ACCEPT_ASSUMED_PROOF": False,
    "VMDRIFT_BMC_DIR": "",
    "VMDRIFT_FENCE_AGENT_DIR": "",
    "VMDRIFT_METAL3_NAMESPACE": "",
    "VMDRIFT_CSI_ADDONS_NAMESPACES": (),
    "VMDRIFT_SAME_STORAGE": (),
    "VMDRIFT_RESYNC": 60.0,
    "VMDRIFT_API_TIMEOUT": 3.0,
    "VMDRIFT_KUBE_CONTEXT": "",
    "VMDRIFT_HISTORY_TTL": 604800.0,
    "VMDRIFT_AUDIT_EVERY": 0.0,
    "VMDRIFT_HEARTBEAT_FILE": "",
    "VMDRIFT_LISTEN": "127.0.0.1:8080",
    "VMDRIFT_PROBES": "",
    "VMDRIFT_WEB_PROCESSES": 2,
    "VMDRIFT_INSECURE_NO_AUTH": False,
    "VMDRIFT_RQ_ACTIONS": False,
    "VMDRIFT_TOKENS_FILE": "",
    "VMDRIFT_OIDC_ISSUER": "",
    "VMDRIFT_OIDC_AUDIENCE": "",
    "VMDRIFT_LOGIN_URL": "",
    "VMDRIFT_OIDC_CA_FILE": "",
    "VMDRIFT_OIDC_TOKEN_FILE": "",
    "VMDRIFT_ALERT_NODE_LABEL": "node",
    "VMDRIFT_MAX_BACKLOG": 10000,
    "VMDRIFT_SENDER_RATE": 6000,
    "VMDRIFT_SENDER_BYTES": 8388608,
    "VMDRIFT_DEDUP_TTL": 86400.0,
    "VMDRIFT_WEBHOOK_ORIGINS": (),
    "VMDRIFT_SINK": "",
    "K_CE_OVERRIDES": (),
    "VMDRIFT_SINK_TOKEN_FILE": "",
    "K_CA_CERTS": "",
    "VMDRIFT_SINK_GIVE_UP": 86400.0,
}
# Any text is a path, an audience, a label or a certificate: what is wrong with it shows where it is used.
TEXTS = {
    "VMDRIFT_KUBE_CONTEXT",
    "VMDRIFT_HEARTBEAT_FILE",
    "VMDRIFT_BMC_DIR",
    "VMDRIFT_FENCE_AGENT_DIR",
    "VMDRIFT_TOKENS_FILE",
    "VMDRIFT_OIDC_AUDIENCE",
    "VMDRIFT_OIDC_CA_FILE",
    "VMDRIFT_OIDC_TOKEN_FILE",
    "VMDRIFT_ALERT_NODE_LABEL",
    "VMDRIFT_SINK_TOKEN_FILE",
    "K_CA_CERTS",
}
_TEMPLATE = "self-node-remediation.medik8s.io/v1alpha1/selfnoderemediationtemplates/a/b"
GOOD = {
    "VMDRIFT_REDIS_URL": [
        "rediss://:pw@redis:6380/1",
        "unix:///run/valkey.sock",
        "redis+sentinel://user:pw@a:26379,b:26379/mymaster/0",
    ],
    "VMDRIFT_POLICY": ["observe", "never"],
    "VMDRIFT_UNREACHABLE_WINDOW": ["10", "604800", "12.5"],
    "VMDRIFT_VIRT_HANDLER_GRACE": ["1", "604800"],
    "VMDRIFT_NAMESPACE": ["a", "vm-drift-2"],
    "VMDRIFT_MAX_UNREACHABLE": ["0%", "100%", "0", "3", "99999"],
    "VMDRIFT_SUSPECT_AFTER": ["1", "15.5", "300"],
    "VMDRIFT_DETACH_WINDOW": ["10"],
    "VMDRIFT_DETACH_POLICY": ["delete"],
    "VMDRIFT_TENANTS_MAY": ["detach", "policy,order", "detach, policy, order"],
    "VMDRIFT_NODES_MAY_OPT_OUT": ["true"],
    "VMDRIFT_ACCEPT_ASSUMED_PROOF": ["true"],
    "VMDRIFT_MIN_AVAILABLE_NODES": ["1", "1000"],
    "VMDRIFT_SHARED_CSI_DRIVERS": ["driver.longhorn.io", "*.nfs.example", "a.example,b-?.example", " a.b , c.d "],
    "VMDRIFT_ALLOW_UNFENCED_RWX": ["true", "false"],
    "VMDRIFT_DELETE_UNEVICTED": ["true", "false"],
    "VMDRIFT_START_DEADLINE": ["60", "604800"],
    "VMDRIFT_FENCING": ["event", "redfish,event", "remediation, network-fence", "redfish,fence-agent"],
    "VMDRIFT_FENCE_AFTER": ["140", "3600"],
    "VMDRIFT_FENCE_AT": ["suspicion"],
    "VMDRIFT_WITNESS_PORTS": ["22,65535", "1"],
    "VMDRIFT_NODE_NAME": ["node-a", "ip-10-0-0-1.ec2.internal"],
    "VMDRIFT_FENCE_BYSTANDERS": ["refuse"],
    "VMDRIFT_DEAD_PODS": ["keep"],
    "VMDRIFT_MAX_FENCES": ["1", "1000"],
    "VMDRIFT_FENCE_PERIOD": ["60", "604800"],
    "VMDRIFT_FENCE_CONTROL_PLANE": ["true", "false"],
    "VMDRIFT_CEPH_NAMESPACE": ["ceph-2"],
    "VMDRIFT_FENCE_DEADLINE": ["10", "3600"],
    "VMDRIFT_TAINT_TIMEOUT": ["30", "86400"],
    "VMDRIFT_REQUIRE_FENCE": ["true", "false"],
    "VMDRIFT_REMEDIATION_TEMPLATE": [_TEMPLATE],
    "VMDRIFT_METAL3_NAMESPACE": ["metal3", "openshift-machine-api"],
    "VMDRIFT_CSI_ADDONS_NAMESPACES": ["rbd.csi.ceph.com=ceph-csi", "a.b=c, d=e"],
    "VMDRIFT_SAME_STORAGE": ["rook-ceph=tenants", "a=b=c, 9f1e-4=d_e"],
    "VMDRIFT_RESYNC": ["1", "3600"],
    "VMDRIFT_API_TIMEOUT": ["0.1", "6"],
    "VMDRIFT_KUBE_CONTEXT": ["prod"],
    "VMDRIFT_HISTORY_TTL": ["60", "31536000"],
    "VMDRIFT_AUDIT_EVERY": ["0", "300", "3600", "604800"],
    "VMDRIFT_LISTEN": ["0.0.0.0:80", "[::1]:8080", "localhost:65535"],
    "VMDRIFT_PROBES": ["0.0.0.0:8081"],
    "VMDRIFT_WEB_PROCESSES": ["1", "64"],
    "VMDRIFT_INSECURE_NO_AUTH": ["true", "false"],
    "VMDRIFT_RQ_ACTIONS": ["true", "false"],
    "VMDRIFT_OIDC_ISSUER": ["https://oidc.example/a"],
    "VMDRIFT_LOGIN_URL": ["https://login.example/oauth2/start"],
    "VMDRIFT_MAX_BACKLOG": ["1", "10000000"],
    "VMDRIFT_SENDER_RATE": ["1", "10000000"],
    "VMDRIFT_SENDER_BYTES": ["1024", "999999999"],
    "VMDRIFT_DEDUP_TTL": ["60", "604800"],
    "VMDRIFT_WEBHOOK_ORIGINS": ["eventgrid.example", "*.example,b.example"],
    "VMDRIFT_SINK": ["http://broker.knative-eventing.svc/ns/b", "https://a.example:8443/in?access_token=t"],
    "VMDRIFT_SINK_GIVE_UP": ["1", "604800"],
    **{name: ["any", "/text"] for name in sorted(TEXTS)},
}
SECRET = {
    "VMDRIFT_REDIS_URL": (
        ["http://user:secret@redis", "user:secret@redis:6379", "REDIS://:secret@redis"],
        "a URL that starts with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://",
    ),
    "VMDRIFT_SINK": (
        ["sink.example", "http://user:secret@sink", "http://sink/in#part", "http://sink/in ?access_token=secret"],
        "a URL that starts with https:// or http://, without user or fragment",
    ),
}
EXPECTED = {
    "VMDRIFT_POLICY": "one of auto, observe, never",
    "VMDRIFT_UNREACHABLE_WINDOW": "a number of seconds from 10 to 604800",
    "VMDRIFT_VIRT_HANDLER_GRACE": "a number of seconds from 1 to 604800",
    "VMDRIFT_NAMESPACE": "a valid namespace name",
    "VMDRIFT_AUDIT_EVERY": "0, or a number of seconds from 300 to 604800",
    "VMDRIFT_MAX_UNREACHABLE": "a percentage of the nodes from 0% to 100%, or a number of nodes",
    "VMDRIFT_SUSPECT_AFTER": "a number of seconds from 1 to 300",
    "VMDRIFT_DETACH_WINDOW": "a number of seconds from 10 to 604800",
    "VMDRIFT_DETACH_POLICY": "one of wait, delete",
    "VMDRIFT_TENANTS_MAY": "a comma-separated list of detach, policy, order (each at most once), or none",
    "VMDRIFT_NODES_MAY_OPT_OUT": "one of true, false",
    "VMDRIFT_ACCEPT_ASSUMED_PROOF": "one of true, false",
    "VMDRIFT_MIN_AVAILABLE_NODES": "a whole number from 1 to 1000",
    "VMDRIFT_SHARED_CSI_DRIVERS": "a comma-separated list of CSI driver names (wildcards * and ? allowed), such as "
    "*.nfs.example",
    "VMDRIFT_ALLOW_UNFENCED_RWX": "one of true, false",
    "VMDRIFT_DELETE_UNEVICTED": "one of true, false",
    "VMDRIFT_START_DEADLINE": "a number of seconds from 60 to 604800",
    "VMDRIFT_FENCING": "a comma-separated list of event, remediation, network-fence, redfish, fence-agent, metal3 "
    "(each at most once), or none",
    "VMDRIFT_FENCE_AFTER": "a number of seconds from 140 to 3600: virt-handler's heartbeats are up to 132 s apart",
    "VMDRIFT_FENCE_AT": "one of unreachable, suspicion",
    "VMDRIFT_WITNESS_PORTS": "a comma-separated list of ports from 1 to 65535, each once, such as 10250,22",
    "VMDRIFT_NODE_NAME": "a valid name of a Node",
    "VMDRIFT_FENCE_BYSTANDERS": "one of accept, refuse",
    "VMDRIFT_DEAD_PODS": "one of delete, keep",
    "VMDRIFT_MAX_FENCES": "a whole number from 1 to 1000",
    "VMDRIFT_FENCE_PERIOD": "a number of seconds from 60 to 604800",
    "VMDRIFT_FENCE_CONTROL_PLANE": "one of true, false",
    "VMDRIFT_CEPH_NAMESPACE": "a valid namespace name",
    "VMDRIFT_FENCE_DEADLINE": "a number of seconds from 10 to 3600",
    "VMDRIFT_TAINT_TIMEOUT": "a number of seconds from 30 to 86400",
    "VMDRIFT_REQUIRE_FENCE": "one of true, false",
    "VMDRIFT_METAL3_NAMESPACE": "a valid namespace name",
    "VMDRIFT_CSI_ADDONS_NAMESPACES": "a comma-separated list of CSI drivers and namespaces as DRIVER=NAMESPACE, each "
    "name once, such as rbd.csi.ceph.com=ceph-csi",
    "VMDRIFT_SAME_STORAGE": "a comma-separated list of clusterIDs of CSI drivers, with = between those that are the "
    "same, such as rook-ceph=rook-ceph-tenants",
    "VMDRIFT_REMEDIATION_TEMPLATE": "the path of a template, GROUP/VERSION/PLURAL/NAMESPACE/NAME, such as "
    "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates/fencing/vm-drift",
    "VMDRIFT_RESYNC": "a number of seconds from 1 to 3600",
    "VMDRIFT_API_TIMEOUT": "a number of seconds from 0.1 to 6",
    "VMDRIFT_HISTORY_TTL": "a number of seconds from 60 to 3.1536e+07",
    "VMDRIFT_LISTEN": "an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    "VMDRIFT_PROBES": "an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    "VMDRIFT_WEB_PROCESSES": "a whole number from 1 to 64",
    "VMDRIFT_INSECURE_NO_AUTH": "one of true, false",
    "VMDRIFT_RQ_ACTIONS": "one of true, false",
    "VMDRIFT_OIDC_ISSUER": "a URL that starts with https:// or http://, without user, query or fragment",
    "VMDRIFT_LOGIN_URL": "a URL that starts with https:// or http://, without user, query or fragment",
    "VMDRIFT_MAX_BACKLOG": "a whole number from 1 to 10000000",
    "VMDRIFT_SENDER_RATE": "a whole number from 1 to 10000000",
    "VMDRIFT_SENDER_BYTES": "a whole number from 1024 to 999999999",
    "VMDRIFT_DEDUP_TTL": "a number of seconds from 60 to 604800",
    "VMDRIFT_WEBHOOK_ORIGINS": "a comma-separated list of DNS names (wildcards * and ? allowed), such as *.example.com",
    "K_CE_OVERRIDES": 'a JSON object {"extensions": {"name": "text"}} '
    "with names of 1 to 20 characters a-z0-9, none of them used by CloudEvents or vm-drift",
    "VMDRIFT_SINK_GIVE_UP": "a number of seconds from 1 to 604800",
}
BAD = {
    "VMDRIFT_POLICY": ["Auto", "always", " auto"],
    "VMDRIFT_UNREACHABLE_WINDOW": ["9.9", "604801", "-300", "nan", "inf", "1e3", "1_000", "5m", " 300", "300\n", "٣٠٠"],
    "VMDRIFT_VIRT_HANDLER_GRACE": ["0", "0.9", "604801", "3m"],
    "VMDRIFT_NAMESPACE": ["Vm", "a.b", "-a", "a" * 64, "a\n"],
    "VMDRIFT_MAX_UNREACHABLE": ["101%", "-1", "-1%", "40 %", "0.4", "%", "half", "100000", "٣", "40%\n"],
    "VMDRIFT_SUSPECT_AFTER": ["0", "-15", "0.9", "301", "15s", "nan", "1e9", "auto"],
    "VMDRIFT_DETACH_WINDOW": ["0", "9"],
    "VMDRIFT_DETACH_POLICY": ["auto", "WAIT"],
    "VMDRIFT_TENANTS_MAY": ["everything", "none,policy", "Policy", "policy,policy", ",", "true"],
    "VMDRIFT_NODES_MAY_OPT_OUT": ["none", "yes"],
    "VMDRIFT_ACCEPT_ASSUMED_PROOF": ["snr", "yes"],
    "VMDRIFT_MIN_AVAILABLE_NODES": ["0", "1001", "2.0", "-2", "two", "٣", "9" * 5000],
    "VMDRIFT_SHARED_CSI_DRIVERS": [",", "a.example,", "*", "?", "*,a.example", "a b", "a/b", "a.[bc]", "ü.example"],
    "VMDRIFT_ALLOW_UNFENCED_RWX": ["True", "yes", "1", " true"],
    "VMDRIFT_DELETE_UNEVICTED": ["TRUE", "no", "0"],
    "VMDRIFT_START_DEADLINE": ["0", "59.9", "604801"],
    "VMDRIFT_FENCING": ["ipmi", "event,none", "event,event", ",", "event,"],
    "VMDRIFT_FENCE_AFTER": ["-1", "60", "139", "3601"],
    "VMDRIFT_FENCE_AT": ["Suspicion", "never"],
    "VMDRIFT_WITNESS_PORTS": ["0", "65536", "10250,", "10250,10250", "22, 23", "ssh", "٢٢", "22\n"],
    "VMDRIFT_NODE_NAME": ["Node", "a/b", "../a", "a" * 254],
    "VMDRIFT_FENCE_BYSTANDERS": ["never", "Accept"],
    "VMDRIFT_DEAD_PODS": ["never", "Keep"],
    "VMDRIFT_MAX_FENCES": ["0", "1001", "40%"],
    "VMDRIFT_FENCE_PERIOD": ["59", "604801"],
    "VMDRIFT_FENCE_CONTROL_PLANE": ["yes"],
    "VMDRIFT_CEPH_NAMESPACE": ["Rook", "a/b"],
    "VMDRIFT_FENCE_DEADLINE": ["9", "3601"],
    "VMDRIFT_TAINT_TIMEOUT": ["29", "86401"],
    "VMDRIFT_REQUIRE_FENCE": ["yes"],
    "VMDRIFT_METAL3_NAMESPACE": ["Metal3", "a.b", "a/b"],
    "VMDRIFT_CSI_ADDONS_NAMESPACES": ["a.b", "a.b=", "=c", "a.b=c=d", "a.b=c,", "a.b=c,a.b=d", "a/b=c", "a.b=../c"],
    "VMDRIFT_SAME_STORAGE": ["a", "a=", "a=b,", "a=b,c", "a b=c", "a=../b"],
    "VMDRIFT_REMEDIATION_TEMPLATE": ["x", f"{_TEMPLATE}/c", _TEMPLATE.replace("templates", ""), f"{_TEMPLATE}\n"],
    "VMDRIFT_RESYNC": ["0", "3601"],
    "VMDRIFT_API_TIMEOUT": ["0", "6.1"],
    "VMDRIFT_HISTORY_TTL": ["59", "31536001"],
    "VMDRIFT_AUDIT_EVERY": ["1", "299", "604801", "1h", "none", "00"],
    "VMDRIFT_LISTEN": ["8080", "127.0.0.1", "127.0.0.1:65536", "http://a:80", "::1:8080", "a:80\n"],
    "VMDRIFT_PROBES": ["8081", ":8081"],
    "VMDRIFT_WEB_PROCESSES": ["0", "65", "two"],
    "VMDRIFT_INSECURE_NO_AUTH": ["yes"],
    "VMDRIFT_RQ_ACTIONS": ["yes"],
    "VMDRIFT_LOGIN_URL": ["login.example", "javascript:alert(1)", "ftp://a", "https://a\n"],
    "VMDRIFT_OIDC_ISSUER": ["oidc.example", "ftp://a", "https://u@a", "https://a?b", "https://a#b", "https://a\n"],
    "VMDRIFT_MAX_BACKLOG": ["0", "10000001"],
    "VMDRIFT_SENDER_RATE": ["0", "10000001"],
    "VMDRIFT_SENDER_BYTES": ["1023", "1M"],
    "VMDRIFT_DEDUP_TTL": ["59", "604801"],
    "VMDRIFT_WEBHOOK_ORIGINS": [",", "*", "https://a.example"],
    "K_CE_OVERRIDES": [
        "{",
        "[]",
        "1",
        '{"extensions":[]}',
        '{"extensions":{"A":"b"}}',
        '{"extensions":{"id":"b"}}',
        '{"extensions":{"a":1}}',
        '{"extensions":{"sequence":"1"}}',
        "[" * 100000,
    ],
    "VMDRIFT_SINK_GIVE_UP": ["0", "604801"],
}


def by_variable(settings: Settings) -> dict[str, object]:
    values = asdict(settings)
    return {env_name(row): values[row.name] for row in fields(Settings)}


def parsed(name: str, text: str) -> object:
    """What a well-formed value means, as this test understands it."""
    default = DEFAULTS[name]
    if isinstance(default, bool):
        return text == "true"
    if name in {"VMDRIFT_CSI_ADDONS_NAMESPACES", "VMDRIFT_SAME_STORAGE"}:
        return tuple(tuple(part.split("=")) for part in text.replace(" ", "").split(","))
    if isinstance(default, tuple):
        return tuple(map(int if name.endswith("_PORTS") else str, text.replace(" ", "").split(",")))
    return type(default)(text)  # type: ignore[call-arg]


def shown(value: object) -> str:
    """A default as somebody would write it into a manifest."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def every(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


def test_the_defaults_are_these() -> None:
    assert by_variable(Settings.read({})) == DEFAULTS


def test_every_default_would_be_accepted_as_a_value() -> None:
    assert by_variable(Settings.read({name: shown(value) for name, value in DEFAULTS.items()})) == DEFAULTS


def test_every_setting_has_good_and_bad_values_here() -> None:
    assert GOOD.keys() | {"K_CE_OVERRIDES"} == DEFAULTS.keys() == BAD.keys() | SECRET.keys() | TEXTS


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_variable_that_is_empty_counts_as_not_set(name: str) -> None:
    assert by_variable(Settings.read({name: ""})) == DEFAULTS


@pytest.mark.parametrize(("name", "text"), every(GOOD))
def test_a_well_formed_value_is_taken(name: str, text: str) -> None:
    found = by_variable(Settings.read({name: text}))
    assert found == DEFAULTS | {name: parsed(name, text)}


@pytest.mark.parametrize(("name", "text"), every(BAD))
def test_a_malformed_value_is_refused_with_its_name_the_value_and_what_is_expected(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({name: text})
    assert str(caught.value) == f"{name}: {text[:60]!r} is not {EXPECTED[name]}"


@pytest.mark.parametrize(("name", "text"), every({name: texts for name, (texts, _) in SECRET.items()}))
def test_a_malformed_value_that_may_hold_a_secret_is_refused_without_showing_it(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({name: text})
    assert str(caught.value) == f"{name}: the given value is not {SECRET[name][1]}"


def test_overrides_are_read_as_knative_writes_them() -> None:
    read = Settings.read({"K_CE_OVERRIDES": '{"extensions":{"extra":"this is an extra attribute","x1":""}}'})
    assert read.sink_overrides == (("extra", "this is an extra attribute"), ("x1", ""))
    assert Settings.read({"K_CE_OVERRIDES": '{"extensions":null}'}) == Settings.read({"K_CE_OVERRIDES": "{}"})


def test_a_sink_that_knative_gives_is_read_where_none_is_set() -> None:
    assert Settings.read({"K_SINK": "http://a"}).sink == "http://a"
    assert Settings.read({"K_SINK": "http://a", "VMDRIFT_SINK": "http://b"}).sink == "http://b"


def test_all_malformed_values_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({"VMDRIFT_POLICY": "x", "VMDRIFT_RESYNC": "y", "VMDRIFT_API_TIMEOUT": "1"})
    told = str(caught.value).split("; ")
    assert [part.split(":")[0] for part in told] == ["VMDRIFT_POLICY", "VMDRIFT_RESYNC"]


def test_other_variables_do_not_matter() -> None:
    assert Settings.read({"PATH": "/bin", "RESYNC": "x", "vmdrift_resync": "x"}) == Settings()


def test_a_variable_that_is_no_setting_any_more_is_named() -> None:
    env = {
        "VMDRIFT_STRICT_TYPES": "true",
        "VMDRIFT_RESINC": "5",
        "VMDRIFT_RESYNC": "5",
        "K_SINK": "http://a",
        "HOME": "/",
    }
    assert Settings.unknown(env) == ["VMDRIFT_RESINC", "VMDRIFT_STRICT_TYPES"]


def test_settings_cannot_be_changed_once_they_are_read() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().resync = 1.0  # type: ignore[misc]


def test_the_policy_is_what_the_settings_say() -> None:
    env = {
        "VMDRIFT_POLICY": "observe",
        "VMDRIFT_UNREACHABLE_WINDOW": "20",
        "VMDRIFT_VIRT_HANDLER_GRACE": "25",
        "VMDRIFT_MAX_UNREACHABLE": "3",
        "VMDRIFT_MIN_AVAILABLE_NODES": "3",
        "VMDRIFT_SHARED_CSI_DRIVERS": "*.nfs.example",
        "VMDRIFT_ALLOW_UNFENCED_RWX": "true",
        "VMDRIFT_DELETE_UNEVICTED": "true",
        "VMDRIFT_DETACH_POLICY": "delete",
        "VMDRIFT_TENANTS_MAY": "policy,detach",
        "VMDRIFT_NODES_MAY_OPT_OUT": "true",
        "VMDRIFT_DETACH_WINDOW": "30",
        "VMDRIFT_SUSPECT_AFTER": "20",
        "VMDRIFT_START_DEADLINE": "60",
        "VMDRIFT_FENCING": "redfish,event",
        "VMDRIFT_FENCE_AFTER": "200",
        "VMDRIFT_FENCE_AT": "suspicion",
        "VMDRIFT_FENCE_BYSTANDERS": "refuse",
        "VMDRIFT_DEAD_PODS": "keep",
        "VMDRIFT_MAX_FENCES": "2",
        "VMDRIFT_FENCE_PERIOD": "600",
        "VMDRIFT_FENCE_CONTROL_PLANE": "true",
        "VMDRIFT_CEPH_NAMESPACE": "ceph",
        "VMDRIFT_FENCE_DEADLINE": "30",
        "VMDRIFT_TAINT_TIMEOUT": "60",
        "VMDRIFT_REQUIRE_FENCE": "true",
        "VMDRIFT_SAME_STORAGE": "a=b",
    }
    assert Settings.read(env).to_policy() == Policy(
        mode="observe",
        unreachable_window=20.0,
        virt_handler_grace=25.0,
        max_unreachable="3",
        min_available_nodes=3,
        shared_csi_drivers=("*.nfs.example",),
        allow_unfenced_rwx=True,
        delete_unevicted=True,
        detach="delete",
        detach_window=30.0,
        suspect_after=20.0,
        start_deadline=60.0,
        fencing=("redfish", "event"),
        fence_at="suspicion",
        fence_after=200.0,
        fence_deadline=30.0,
        taint_timeout=60.0,
        require_fence=True,
        fence_bystanders="refuse",
        dead_pods="keep",
        max_fences=2,
        fence_period=600.0,
        fence_control_plane=True,
        ceph_namespace="ceph",
        same_storage=(("a", "b"),),
        tenants_may=("policy", "detach"),
        nodes_may_opt_out=True,
    )
    assert Settings().to_policy() == Policy()


def test_every_part_of_the_policy_is_a_setting() -> None:
    assert {row.name for row in fields(Policy)} - {"mode"} < {row.name for row in fields(Settings)}


def test_a_setting_of_an_earlier_version_stops_nobody_and_is_named_with_what_to_do() -> None:
    env = {"VMDRIFT_FENCED_RELEASE": "taint"}
    assert Settings.read(env) == Settings()
    assert Settings.unknown(env) == ["VMDRIFT_FENCED_RELEASE"]
    assert GONE["VMDRIFT_FENCED_RELEASE"].startswith("remove it: ")
    assert not GONE.keys() & {env_name(row) for row in fields(Settings)}


def test_a_policy_of_an_earlier_version_means_the_same_as_without_that_choice() -> None:
    assert Policy(fenced_release="taint") == Policy(fenced_release="force-delete") == Policy()
    assert replace(Policy(), mode="observe") == Policy(mode="observe")
