"""The parts of a cluster, each an API client that takes small steps.

`cast` makes all of them. An actor knows its `Client`, its `Timing` and the time it is given, nothing else; kubelets and
virt-handlers know the hypervisor too, as the real ones know their machine. What an actor says of an object is a pure
function in a module of its own where that makes it readable (`vm`, `vmi`, `hotplug`, `launcher`, `podstatus`).
"""
