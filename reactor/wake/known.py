"""The drifts of open outages, found by what an object's metadata names."""

from collections.abc import Collection, Iterable

from reactor.adapters.redis.store import Store
from reactor.model.drift import OutageRecord, Record
from reactor.model.identity import Drift, Outage
from reactor.wake.rules import Meta


class KnownDrifts:
    """Identities only: what has become of a drift, its record says."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.outages: dict[str, Outage] = {}
        self._drifts: dict[str, Drift] = {}
        self._by_vm: dict[tuple[str, str], set[str]] = {}
        self._by_instance: dict[str, set[str]] = {}

    def refresh(self, open_outages: Iterable[OutageRecord]) -> list[Record]:
        """Learn those that are new, and forget those of outages that are done; the new ones. Raises StoreError."""
        self.outages = {record.outage.id: record.outage for record in open_outages}
        self._forget({drift.id for drift in self._drifts.values() if drift.outage.id not in self.outages})
        found = (drift_id for outage_id in self.outages for drift_id in self._store.drift_ids(outage_id))
        new = [self._store.record(drift_id) for drift_id in found if drift_id not in self._drifts]
        return [self._learn(record) for record in new if record]

    @property
    def namespaces(self) -> set[str]:
        """Of their VMs."""
        return {namespace for namespace, _ in self._by_vm}

    def all(self) -> Collection[Drift]:
        """Every one."""
        return self._drifts.values()

    def get(self, drift_id: str) -> Drift | None:
        """By its id; None if it is not known."""
        return self._drifts.get(drift_id)

    def is_lost(self, meta: Meta) -> bool:
        """Is it a lost instance where it was lost? What is written to that one changes nothing."""
        return meta.uid in self._by_instance and any(meta.node == outage.node.name for outage in self.outages.values())

    def concerned(self, meta: Meta) -> list[Drift]:
        """Those that an object may be about, by its name and its labels."""
        if meta.resource == "namespaces":
            return [drift for drift in self._drifts.values() if drift.vm.namespace == meta.name]
        name = meta.vm if meta.resource == "pods" else meta.name
        ids = self._by_vm.get((meta.namespace, name), set()) | self._by_instance.get(meta.instance, set())
        return [drift for i in sorted(ids) if (drift := self._drifts[i]).vm.namespace == meta.namespace]

    def _learn(self, record: Record) -> Record:
        drift = self._drifts[record.drift.id] = record.drift
        self._by_vm.setdefault((drift.vm.namespace, drift.vm.name), set()).add(drift.id)
        if record.vmi_uid:
            self._by_instance.setdefault(record.vmi_uid, set()).add(drift.id)
        return record

    def _forget(self, gone: set[str]) -> None:
        """All at once: ten thousand may be."""
        if gone:
            self._drifts = {drift_id: drift for drift_id, drift in self._drifts.items() if drift_id not in gone}
            self._by_vm = {vm: left for vm, ids in self._by_vm.items() if (left := ids - gone)}
            self._by_instance = {uid: left for uid, ids in self._by_instance.items() if (left := ids - gone)}
