"""RQ's queue as our workers see it: what a killed worker left behind is taken up within seconds."""

from datetime import timedelta

from rq import Queue
from rq.intermediate_queue import IntermediateQueue
from rq.utils import now


class Intermediate(IntermediateQueue):
    """Where a job is between being taken out of the queue and being started; RQ leaves it there for a minute."""

    STUCK_AFTER = timedelta(seconds=6)

    def should_be_cleaned_up(self, job_id: str) -> bool:
        """Whether the worker that took it must be dead. Forgets the first sight, or it would count the next time."""
        first_seen = self.get_first_seen(job_id)
        if first_seen is None or now() - first_seen < self.STUCK_AFTER:
            return False
        self.connection.delete(self.get_first_seen_key(job_id))
        return True


class WorkedQueue(Queue):
    """For a worker's maintenance."""

    MAINTENANCE_LOCK = 10  # seconds; RQ's own is 15 minutes, and a worker killed meanwhile keeps it from all others

    @property
    def intermediate_queue(self) -> IntermediateQueue:
        """With our patience."""
        return Intermediate(self.key, connection=self.connection)

    def acquire_maintenance_lock(self) -> bool:
        """As RQ does, for a shorter time."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=self.MAINTENANCE_LOCK))
