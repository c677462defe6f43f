"""What an operator can do about a drift, with this VM's and node's names in it: commands to copy as they are. Pure.

Names come from the cluster, whose tenants choose some of them: only what is a Kubernetes name gets into a command.
"""

import re

from reactor.model.drift import Record
from reactor.model.names import is_name

_OF_NODE = re.compile(r"(vmdrift [a-z-]+) NODE\b")
_OF_VM = re.compile(r"(vmdrift [a-z-]+) NAMESPACE/VM\b")
_POD = re.compile(r"kubectl (patch) pod NAME\b")
# A command that is not marked as one yet: it goes on until its sentence ends.
_COMMAND = re.compile(r"(?<![`\w/])((?:vmdrift confirm-off|kubectl) [^`]+?)(?=(?:\. |\.?$))")
_NAMED = re.compile(r"\b[Pp]od ([-a-z0-9.]+(?:, [-a-z0-9.]+)*)")


def filled(advice: str, record: Record) -> str:
    """The advice of a reason (`REASONS`) for this drift. What is not known stays as it is."""
    text = _OF_NODE.sub(rf"\1 {record.drift.outage.node.name}", advice)
    text = _OF_VM.sub(rf"\1 {record.drift.vm}", text)
    if pods := _named(record.sentence):
        text = _POD.sub(rf"kubectl -n {record.drift.vm.namespace} \1 pod {' '.join(pods)}", text)
    return _COMMAND.sub(r"`\1`", text)


def _named(sentence: str) -> list[str]:
    """The pods that the sentence is about; none where one of them is no name."""
    found = _NAMED.search(sentence)
    names = found[1].split(", ") if found else []
    return names if all(map(is_name, names)) else []
