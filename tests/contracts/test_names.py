"""Names that one part of the house says and another one answers to."""

import inspect
from importlib import import_module

import pytest

from reactor.adapters import rq as queue
from reactor.adapters.kubernetes.cluster import Cluster, ConfigMapWriter, KubernetesCluster, Writer
from reactor.adapters.redis.inbox import Inbox, RedisInbox
from reactor.adapters.redis.outbox import Outbox, RedisOutbox
from reactor.adapters.redis.store import RedisStore, Store
from reactor.adapters.rq import Queue, RqQueue
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.inbox import MemoryInbox
from rehearsal.twins.outbox import MemoryOutbox
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from workers import rq

PAIRS = [
    (Cluster, KubernetesCluster),
    (Cluster, ApiCluster),
    (ConfigMapWriter, KubernetesCluster),
    (ConfigMapWriter, ApiCluster),
    (Writer, KubernetesCluster),
    (Writer, ApiCluster),
    (Queue, RqQueue),
    (Queue, MemoryQueue),
    (Store, RedisStore),
    (Store, MemoryStore),
    (Inbox, RedisInbox),
    (Inbox, MemoryInbox),
    (Outbox, RedisOutbox),
    (Outbox, MemoryOutbox),
]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        (queue.TAKE_EVENT, rq.take_event),
        (queue.TAKE_POST, rq.take_post),
        (queue.RUN_DRIFT, rq.run_drift),
        (queue.RUN_FORECAST, rq.run_forecast),
        (queue.RUN_FENCE, rq.run_fence),
        (queue.DELIVER, rq.deliver),
    ],
)
def test_the_dotted_names_in_jobs_are_functions_of_the_workers(name: str, function: object) -> None:
    module, _, attribute = name.rpartition(".")
    assert getattr(import_module(module), attribute) is function


@pytest.mark.parametrize(("protocol", "adapter"), PAIRS)
def test_adapters_and_twins_have_the_doors_methods_with_the_same_parameters(protocol: type, adapter: type) -> None:
    promised = {name: method for name, method in vars(protocol).items() if inspect.isfunction(method)}
    promised = {name: method for name, method in promised.items() if not name.startswith("_")}
    assert promised
    for name, method in promised.items():
        assert inspect.signature(getattr(adapter, name)) == inspect.signature(method), name
