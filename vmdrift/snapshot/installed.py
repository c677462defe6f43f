"""By whose settings `plan` and `audit` judge: the installation's, as its ConfigMap or a dump of it has them.

What this shell sets wins, variable by variable: so one can ask "what if". Whichever it is, the answer says so.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Policy
from reactor.model.errors import Forbidden, SettingsError
from reactor.model.objects import part, text, words
from reactor.settings import Settings, env_name

CONFIG_MAP = "settings"  # in k8s/base/settings.yaml
_READ = {row.name for row in fields(Policy)} - {"mode"} | {"policy"}
# The variables on which a judgement depends; `vmdrift dump` writes no other, and no secret.
JUDGING = frozenset(env_name(row) for row in fields(Settings) if row.name in _READ and not row.metadata.get("secret"))
# They hold names, which an anonymous dump has not.
_NAMES = frozenset({"VMDRIFT_CEPH_NAMESPACE", "VMDRIFT_SAME_STORAGE"})


@dataclass(frozen=True, slots=True)
class InstalledSettings:
    """What was found. `config_map`: NAMESPACE/NAME, "" where there are none, and then `why`."""

    config_map: str = ""
    why: str = "the dump holds none of the installation"
    data: Mapping[str, str] | None = None
    left_out: tuple[str, ...] = ()

    @classmethod
    def of_dump(cls, about: Mapping[str, Any]) -> Self:
        """From a dump's header, which anybody may have written."""
        found = part(about, "settings")
        if not text(found, "config_map") and not text(found, "why"):
            return cls()
        return cls(text(found, "config_map"), text(found, "why"), _judging(found), words(found, "left_out"))

    @classmethod
    def of_cluster(cls, cluster: Cluster, namespace: str) -> Self:
        """Raises ClusterError, except where we may not read it."""
        name = f"{namespace}/{CONFIG_MAP}"
        try:
            found = cluster.find("configmaps", CONFIG_MAP, namespace)
        except Forbidden:
            return cls("", f"to get ConfigMap {name} is forbidden")
        if found is None:
            return cls("", f"there is no ConfigMap {name} (VMDRIFT_NAMESPACE)")
        return cls(name, "", _judging(found))

    def as_header(self) -> Mapping[str, Any]:
        """What `of_dump` reads."""
        return {**asdict(self), "data": dict(self.data or {})}

    def without_names(self) -> "InstalledSettings":
        """For an anonymous dump."""
        data = {name: value for name, value in (self.data or {}).items() if name not in _NAMES}
        left = tuple(sorted(_NAMES & (self.data or {}).keys()))
        why = "it could not be read where the dump was made" if self.why else ""
        return InstalledSettings(CONFIG_MAP if self.config_map else "", why, data, left)


def _judging(found: Mapping[str, Any]) -> Mapping[str, str]:
    data = part(found, "data")
    return {name: value for name, value in data.items() if name in JUDGING and isinstance(value, str) and value}


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """The policy, and where it is from. `place`: of which cluster or dump; `shell`: the variables that win."""

    policy: Policy
    installed: InstalledSettings
    place: str
    shell: tuple[str, ...] = ()

    @classmethod
    def of(cls, installed: InstalledSettings, env: Mapping[str, str], place: str) -> Self:
        """Raises SettingsError, which says where a malformed one stands."""
        shell = tuple(sorted(name for name in JUDGING if env.get(name)))
        own = {name: value for name, value in (installed.data or {}).items() if name not in shell}
        _, wrong = Settings.read_what_can_be(own)
        if wrong:
            raise SettingsError(f"{installed.config_map} ({place}): {'; '.join(wrong.values())}")
        return cls(Settings.read({**own, **{name: env[name] for name in shell}}).to_policy(), installed, place, shell)

    @property
    def sentence(self) -> str:
        """For people, above the answer."""
        shell = ", ".join(self.shell)
        if not self.installed.config_map:
            whose = f"{shell} of this shell, else the defaults" if shell else "the default settings"
            return f"Judged by {whose}: {self.installed.why}."
        own = f", except {shell} of this shell" if shell else ""
        left = f"; an anonymous dump leaves out {', '.join(self.installed.left_out)}" if self.installed.left_out else ""
        return f"Judged by the settings of {self.installed.config_map} ({self.place}){own}{left}."

    def as_object(self) -> Mapping[str, Any]:
        """`settings_from` in docs/plan.md."""
        return {
            "config_map": self.installed.config_map,
            "why": self.installed.why,
            "place": self.place,
            "shell": self.shell,
            "left_out": self.installed.left_out,
            "sentence": self.sentence,
        }
