"""What a tenant can write where a name is expected, and what the API server and KubeVirt's webhooks let through."""


def names(victim: str, kind: str = "persistentvolumeclaims", namespace: str = "default") -> dict[str, str]:
    """By what is wrong with it: something that may be taken for the victim's object, or for a path to it."""
    path = f"../../{namespace}/{kind}/{victim}"
    return {
        "the same name": victim,
        "a path": path,
        "an escaped path": path.replace("/", "%2f").replace(".", "%2e"),
        "the way up": "..",
        "another namespace": f"{namespace}/{victim}",
        "a query": f"{victim}?watch=true",
        "a fragment": f"{victim}#",
        "a subresource": f"{victim}/status",
        "a selector": f"{victim},metadata.namespace={namespace}",
        "capitals": victim.upper(),
        "a look-alike": victim.replace("e", "\u0435").replace("a", "\u0430"),
        "turned around": f"\u202e{victim[::-1]}",
        "control characters": f"{victim}\x1b[2J\r\n",
        "nothing seen": f"{victim}\u200b",
        "a tag": "<img src=x onerror=document.title='XSS'>",
        "a template": "{{7*7}}${jndi:ldap://x}%s{0.__class__}",
        "an option": "--all",
        "too long": victim * 1000,
        "a blank": " ",
    }
