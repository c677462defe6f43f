"""A provider by its name, made from the settings."""

from collections.abc import Callable

from reactor.adapters.fence_agents.agents import FenceAgents
from reactor.adapters.redfish.bmc import RedfishBmc
from reactor.adapters.redis.plug_memory import PlugMemory
from reactor.model.errors import SettingsError
from reactor.settings import Settings
from workers.fencing.providers.event import EventProvider
from workers.fencing.providers.fence_agent import FenceAgent
from workers.fencing.providers.metal3 import Metal3
from workers.fencing.providers.network_fence import NetworkFence
from workers.fencing.providers.provider import FencingCluster, Provider
from workers.fencing.providers.redfish import Redfish
from workers.fencing.providers.remediation import Remediation, assumes


def ready(name: str, settings: Settings) -> None:
    """SettingsError where this provider lacks a setting, or a package."""
    if name == "remediation" and not settings.remediation_template:
        raise SettingsError(
            "VMDRIFT_REMEDIATION_TEMPLATE: not set; the provider remediation creates remediations from this template"
        )
    if name == "remediation" and assumes(settings.remediation_template) and not settings.accept_assumed_proof:
        raise SettingsError(
            "VMDRIFT_REMEDIATION_TEMPLATE: names a SelfNodeRemediation, whose success is assumed and not verified; set "
            "VMDRIFT_ACCEPT_ASSUMED_PROOF=true if that is enough, or name a template that has the power cut"
        )
    if name == "metal3" and not settings.metal3_namespace:
        raise SettingsError("VMDRIFT_METAL3_NAMESPACE: not set; the provider metal3 trusts BareMetalHosts only there")
    if name == "redfish":
        RedfishBmc(settings)
    if name == "fence-agent":
        FenceAgents(settings)


def provider(
    name: str,
    cluster: FencingCluster,
    settings: Settings,
    before_call: Callable[[], None] = lambda: None,
    memory: PlugMemory | None = None,
) -> Provider:
    """By one of the names of VMDRIFT_FENCING. SettingsError where it lacks a setting.

    `before_call` runs before each call to any system but the API server (heartbeats). `memory`: for fence-agent, which
    is made only with one.
    """
    ready(name, settings)
    match name:
        case "event":
            return EventProvider(cluster, settings.namespace)
        case "network-fence":
            return NetworkFence(cluster, settings.csi_addons_namespaces)
        case "remediation":
            return Remediation(cluster, settings.remediation_template)
        case "metal3":
            return Metal3(cluster, settings.metal3_namespace)
        case "redfish":
            return Redfish(RedfishBmc(settings, before_call))
        case "fence-agent" if memory:
            return FenceAgent(FenceAgents(settings), memory, beat=before_call)
        case _:
            raise KeyError(name)
