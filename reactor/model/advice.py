"""What an operator can do about a drift, with this VM's and node's names in it: commands to copy as they are. Pure.

Names come from the cluster, whose tenants choose some of them: only what is a Kubernetes name gets into a command.
"""

import re

from reactor.model.drift import Record
from reactor.model.identity import VmRef
from reactor.model.names import is_name

_QUOTED = re.compile(r"`[^`]+`")
_POD = re.compile(r"\bpod NAME\b")
# A command that is not marked as one yet: it goes on until its sentence ends.
_COMMAND = re.compile(r"(?<![`\w/])((?:vmdrift confirm-off|kubectl) [^`]+?)(?=(?:\. |\.?$))")
_NAMED = re.compile(r"\b[Pp]od ([-a-z0-9.]+(?:, [-a-z0-9.]+)*)")
_OTHERS = "Likewise for the others."


def filled(advice: str, record: Record) -> str:
    """The advice of a reason (`REASONS`) for this drift. What is not known stays as it is."""
    text = named(advice, record.drift.vm, record.drift.outage.node.name)
    if pods := _pods(record.sentence):
        text = _POD.sub(f"pod {' '.join(pods)}", text)
    return text


def named(advice: str, vm: VmRef, node: str = "") -> str:
    """The advice with these names, as far as they are known and are names."""
    text = _COMMAND.sub(r"`\1`", advice)
    text = re.sub(r"\bNODE\b", node, text) if is_name(node) else text
    if not (is_name(vm.namespace) and is_name(vm.name)):
        return text
    return _QUOTED.sub(lambda found: _with_vm(found[0], vm), text)


def for_several(advice: str, filled_in: str) -> str:
    """`filled_in`: the advice for the first of several VMs; it says so, where a command names that one."""
    generic = re.search(r"\bVM\b|\bNAMESPACE\b|\bpod NAME\b", " ".join(_QUOTED.findall(_COMMAND.sub(r"`\1`", advice))))
    return f"{filled_in} {_OTHERS}" if generic else filled_in


def _with_vm(command: str, vm: VmRef) -> str:
    return re.sub(r"\bVM\b", vm.name, re.sub(r"\bNAMESPACE\b", vm.namespace, command))


def _pods(sentence: str) -> list[str]:
    """The pods that the sentence is about; none where one of them is no name."""
    found = _NAMED.search(sentence)
    names = found[1].split(", ") if found else []
    return names if all(map(is_name, names)) else []
