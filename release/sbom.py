"""The bill of materials of the image and of the Python package, in CycloneDX: what is installed, in which version.

What Debian's packages are in the base image is not in it: the base image is, by its digest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from release.installed import closure, direct, installed
from release.source import NotReleasable, Source

EXTRAS = ("redfish",)  # those that the Dockerfile installs
_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_BASE = re.compile(
    r"(?m)^ARG BASE=(?P<image>[\w.]+/[\w/-]+/(?P<name>[\w-]+)):(?P<tag>[\w.-]+)@(?P<digest>sha256:[0-9a-f]{64})$"
)
_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST = 100  # characters of a licence's name; more is its text


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of constraints.txt, and the SHA-256 of each file that is accepted as it."""

    version: str
    hashes: tuple[str, ...]


def sbom(source: Source) -> str:
    """JSON."""
    wanted, extras = _requirements(source), EXTRAS
    pinned, needs = pins(source), closure(wanted, extras)
    components = {name: _component(name, pinned) for name in needs}
    root, base = _root(source), base_image(source)
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{source.repository}/sbom/{source.version}"), version=1)
    bom.metadata.timestamp, bom.metadata.component = source.moment, root
    for component in (*components.values(), base):
        bom.components.add(component)
    for name, component in components.items():
        bom.register_dependency(component, [components[one] for one in needs[name]])
    bom.register_dependency(root, [*(components[one] for one in direct(wanted, extras)), base])
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def _requirements(source: Source) -> list[str]:
    optional = source.project["optional-dependencies"]
    return [*source.project["dependencies"], *(one for extra in EXTRAS for one in optional[extra])]


def pins(source: Source) -> dict[str, Pin]:
    """By canonical name."""
    entries = re.split(r"\n(?=\S)", source.text("constraints.txt"))
    found = ((_PIN.match(entry), entry) for entry in entries)
    return {
        canonicalize_name(match["name"]): Pin(match["version"], tuple(_HASH.findall(entry)))
        for match, entry in found
        if match
    }


def _component(name: str, pinned: Mapping[str, Pin]) -> Component:
    here = installed(name)
    pin = pinned.get(name)
    if pin is None or pin.version != here.version:
        says = pin.version if pin else "nothing"
        raise NotReleasable(f"{name} is installed in {here.version}, constraints.txt says {says}: make .venv/dev")
    purl = PackageURL("pypi", name=name, version=pin.version)
    accepted = [Property(name="vm-drift:accepted-file-sha256", value=one) for one in pin.hashes]
    licence = _licence(name)
    return Component(
        name=name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        licenses=[licence] if licence else [],
        properties=accepted,
    )


def _licence(name: str) -> License | None:
    """As the package itself states it."""
    about = installed(name).metadata
    classified = [one.removeprefix(_CLASSIFIER) for one in about.get_all("Classifier") or () if _CLASSIFIER in one]
    for stated in (about["License-Expression"], about["License"], " AND ".join(classified)):
        if stated and len(stated) <= _LONGEST and "\n" not in stated:
            made: License = LicenseFactory().make_from_string(stated)
            return made
    return None


def _root(source: Source) -> Component:
    name, version = source.project["name"], source.version
    purl = PackageURL("pypi", name=name, version=version)
    licences = [LicenseFactory().make_from_string(source.project["license"])]
    kind = ComponentType.APPLICATION
    return Component(name=name, version=version, type=kind, purl=purl, bom_ref=str(purl), licenses=licences)


def base_image(source: Source) -> Component:
    """What the Dockerfile stands on; NotReleasable where that is no digest."""
    match = _BASE.search(source.text("Dockerfile"))
    if match is None:
        raise NotReleasable("Dockerfile: BASE must name an image of one digest (HOST/PATH:TAG@sha256:...)")
    where = {"repository_url": match["image"], "tag": match["tag"]}
    purl = PackageURL("oci", name=match["name"], version=match["digest"], qualifiers=where)
    return Component(
        name=match["image"],
        version=match["tag"],
        type=ComponentType.CONTAINER,
        purl=purl,
        bom_ref=quote(str(purl), safe=":/@?=&%"),
        hashes=[HashTypeFactory().from_composite_str(match["digest"])],
    )
