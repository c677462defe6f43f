"""What a SelfNodeRemediation says is assumed; whether that is enough, the administrator says."""

import pytest

from reactor.model.errors import SettingsError
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.fencing import TEMPLATE, succeeded
from simulator.world import EPOCH, World
from workers.fencing.providers.registry import ready
from workers.fencing.providers.remediation import Remediation

SNR = "self-node-remediation.medik8s.io/v1alpha1/selfnoderemediationtemplates/medik8s/automatic"
TARGET = Target(Outage(NodeRef("node-a", "uid-a"), int(EPOCH)), "boot-1")


def test_without_the_administrators_word_nothing_starts_that_would_take_it_for_proof() -> None:
    with pytest.raises(SettingsError, match="assumed and not verified; set VMDRIFT_ACCEPT_ASSUMED_PROOF=true"):
        ready("remediation", Settings(remediation_template=SNR))
    ready("remediation", Settings(remediation_template=SNR, accept_assumed_proof=True))
    ready("remediation", Settings(remediation_template=TEMPLATE))


def test_where_it_is_taken_every_sentence_says_that_it_is_assumed() -> None:
    world = World()
    admin = world.api.client("system:admin")
    meta = {"name": "automatic", "namespace": "medik8s"}
    template = {"metadata": meta, "spec": {"template": {"spec": {"remediationStrategy": "OutOfServiceTaint"}}}}
    admin.create("selfnoderemediationtemplates", {"kind": "SelfNodeRemediationTemplate", **template})
    provider = Remediation(ApiCluster(world.api, "vm-drift"), SNR)
    provider.fence(TARGET)
    assert provider.status(TARGET).state is State.WORKING
    status = {"status": {"conditions": [succeeded(EPOCH + 60)]}}
    admin.patch("selfnoderemediations", "node-a", status, "medik8s", subresource="status")
    said = provider.status(TARGET)
    assert (said.state, "that the node was rebooted is assumed, not verified" in said.sentence) == (State.FENCED, True)
