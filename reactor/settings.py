"""Every setting: name, unit, default, why. Read once from the environment; a malformed one stops the process at start.

A variable that is set but empty counts as not set, as it does in most manifests.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

from reactor.model.drift import Policy
from reactor.model.errors import SettingsError

Parse = Callable[[str], Any]


def _seconds(least: float, most: float = 7 * 86400) -> Parse:
    def parse(text: str) -> float:
        # The pattern keeps out what float() would take but nobody means: nan, inf, 1e3, 1_000, other scripts' digits.
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not least <= float(text) <= most:
            message = f"a number of seconds from {least:g} to {most:g}"
            raise ValueError(message)
        return float(text)

    return parse


def _count(least: int, most: int) -> Parse:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            message = f"a whole number from {least} to {most}"
            raise ValueError(message)
        return int(text)

    return parse


def _one_of(*words: str) -> Parse:
    def parse(text: str) -> str:
        if text not in words:
            message = "one of " + ", ".join(words)
            raise ValueError(message)
        return text

    return parse


def _share(text: str) -> str:
    percent = re.fullmatch(r"([0-9]{1,3})%", text)
    if not (percent and int(percent[1]) <= 100) and not re.fullmatch(r"[0-9]{1,5}", text):  # noqa: PLR2004 - percent
        message = "a share of the nodes from 0% to 100%, or a number of nodes"
        raise ValueError(message)
    return text


def _truth(text: str) -> bool:
    return bool(_one_of("true", "false")(text) == "true")


def _globs(text: str) -> tuple[str, ...]:
    globs = tuple(part.strip() for part in text.split(","))
    if not all(re.fullmatch(r"[A-Za-z0-9.*?-]+", glob) and re.search(r"[A-Za-z0-9]", glob) for glob in globs):
        message = (
            "CSI driver names separated by commas, in which * and ? stand for anything, for instance *.nfs.example"
        )
        raise ValueError(message)
    return globs


def _redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        message = "a URL that starts with redis://, rediss:// or unix://"
        raise ValueError(message)
    return text


def setting(unit: str, default: Any, parse: Parse, why: str, **more: Any) -> Any:
    """One row of the registry, named VMDRIFT_ + the field's name, or `env`. A `secret` value is never shown."""
    return field(default=default, metadata={"unit": unit, "parse": parse, "why": why, **more})


def env_name(row: Field[Any]) -> str:
    """The environment variable of a field of Settings."""
    return str(row.metadata.get("env") or f"VMDRIFT_{row.name.upper()}")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed; durations in seconds."""

    redis_url: str = setting(
        "URL",
        "redis://127.0.0.1:6379/0",
        _redis_url,
        "Where queue, records and locks live. It may hold a password, so it is never shown.",
        secret=True,
    )
    policy: str = setting(
        "auto | observe | never",
        "auto",
        _one_of("auto", "observe", "never"),
        "observe decides and tells, and never changes the cluster; never refuses. The annotation vmdrift.io/policy on "
        "a VM, or else on its namespace, goes before it.",
    )
    unreachable_window: float = setting(
        "seconds",
        300.0,
        _seconds(10),
        "How long a node must have been unreachable. Not under 10: Kubernetes' times are whole seconds.",
    )
    virt_handler_grace: float = setting(
        "seconds",
        180.0,
        _seconds(1),
        "How long we must have watched a lost node's Lease and virt-handler heartbeat without a change. virt-handler "
        "writes every 60 to 132 s.",
    )
    max_unreachable: str = setting(
        "share or count of nodes",
        "40%",
        _share,
        "When more nodes than this are unreachable nothing is done: it is rather the control plane than the nodes. One "
        "lost node is never too many.",
    )
    detach_window: float = setting(
        "seconds",
        360.0,
        _seconds(10),
        "When to look for Kubernetes' forced detach: its own six minutes after the launcher pod is gone.",
    )
    detach: str = setting(
        "wait | delete",
        "wait",
        _one_of("wait", "delete"),
        "delete frees the volume at once by deleting its VolumeAttachment; it is unfenced, hence not the default.",
        env="VMDRIFT_DETACH_POLICY",
    )
    min_available_nodes: int = setting(
        "nodes",
        2,
        _count(1, 1000),
        "The source document's prerequisite; the lost node counts, so a cluster of two that loses one drifts.",
    )
    shared_csi_drivers: tuple[str, ...] = setting(
        "CSI driver names, * and ? allowed, separated by commas",
        (),
        _globs,
        "Whose volumes can be attached to any node, besides Rook-Ceph's and HwameiStor's. Unknown means unsafe.",
    )
    allow_unfenced_rwx: bool = setting(
        "true | false",
        False,
        _truth,
        "Move VMs with volumes that several nodes may write to at once although nothing proves that the lost node has "
        "stopped. Two writers destroy a disk.",
    )
    delete_unevicted: bool = setting(
        "true | false",
        False,
        _truth,
        "Force delete launcher pods, too, that Kubernetes itself does not evict (tolerations, or too many nodes of a "
        "zone lost).",
    )
    start_deadline: float = setting(
        "seconds",
        1800.0,
        _seconds(60),
        "How long the new VM may take to run, once no volume holds it back, before its drift is told as failed.",
    )
    resync: float = setting(
        "seconds",
        60.0,
        _seconds(1, 3600),
        "How often every open outage is told again. Whatever was lost in between comes back within this time.",
    )
    api_timeout: float = setting(
        "seconds",
        3.0,
        _seconds(0.1, 6),
        "For one API call. Well below the 8 s after which a silent worker's job is given to another.",
    )
    watch_silence: float = setting(
        "seconds",
        150.0,
        _seconds(1, 3600),
        "A watch that says nothing for so long is dead; the API server sends a bookmark about once a minute.",
    )
    history_ttl: float = setting(
        "seconds",
        604800.0,
        _seconds(60, 365 * 86400),
        "How long ended drifts stay in Redis for people to read.",
    )

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        """From environment variables; SettingsError names every malformed one."""
        values, wrong = {}, []
        for row in fields(cls):
            text = env.get(env_name(row), "")
            if not text:
                continue
            try:
                values[row.name] = row.metadata["parse"](text)
            except ValueError as error:
                found = "what was given" if row.metadata.get("secret") else repr(text[:60])
                wrong.append(f"{env_name(row)}: {found} is not {error}")
        if wrong:
            raise SettingsError("; ".join(wrong))
        return cls(**values)

    def to_policy(self) -> Policy:
        """The part of it that decisions are made of."""
        return Policy(
            mode=self.policy,
            **{row.name: getattr(self, row.name) for row in fields(Policy) if row.name != "mode"},
        )
