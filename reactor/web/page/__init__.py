"""The pages for people: outages, their VMs and why, interventions, RQ's queues. Of the cluster: one ConfigMap.

Everything shown is read from Redis at that moment. Judging a drift belongs to the workers, and nothing here deletes
anything: what people ask for goes into the ConfigMap of interventions, or into the queue as an event.
"""

from pathlib import Path

from reactor.web.page.mount import Parts, for_people, mount, wishes_of

FOLDER = str(Path(__file__).parent)

__all__ = ["FOLDER", "Parts", "for_people", "mount", "wishes_of"]
