"""What people open: outages, their VMs and why, what was asked by hand, and RQ's queues. No cluster but one ConfigMap.

Everything shown is read from Redis at that moment. Judging a drift belongs to the workers, and nothing here deletes
anything: what people ask for goes into the ConfigMap of interventions, or into the queue as an event.
"""

from pathlib import Path

from reactor.web.page.mount import Parts, for_people, mount, wishes_of

FOLDER = str(Path(__file__).parent)

__all__ = ["FOLDER", "Parts", "for_people", "mount", "wishes_of"]
