"""What `vmdrift status` says first of an outage, as JSON: its headline, and its VMs in groups. Pure."""

from collections.abc import Sequence
from typing import Any

from reactor.model.drift import OutageRecord, Record
from reactor.model.groups import groups
from reactor.model.headline import headline
from reactor.model.outlook import Outlook, outlook
from reactor.model.recovery import Windows


def headline_object(
    outage: OutageRecord, records: Sequence[Record], windows: Windows, now: float, missing: str
) -> dict[str, Any]:
    """Its words, whether somebody has to act, and how many VMs stand where. `missing`: as in `groups.health`."""
    head = headline(outage, records, windows, now, missing)
    counts = {how.value: 0 for how in Outlook} | {how.value: number for how, number in head.counts}
    return {"text": head.text, "urgent": head.urgent, "vms": len(records), "counts": counts}


def group_objects(records: Sequence[Record]) -> list[dict[str, Any]]:
    """VMs that say the same, those first that need somebody."""
    return [
        {
            "phase": group.first.phase.value,
            "reason": group.reason,
            "outlook": outlook(group.first).value,
            "sentence": group.sentence,
            "urgent": group.urgent,
            "advice": group.todo,
            "vms": [str(record.drift.vm) for record in group.records],
        }
        for group in groups(records)
    ]
