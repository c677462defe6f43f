"""By whose settings `status` shows windows, policy and fencing: the installation's, as `plan` judges by them.

What this shell sets wins, variable by variable. Where the cluster cannot be read the shell's are all that is known, and
the rows say so.
"""

import os
from dataclasses import dataclass

from reactor.model.errors import VmDriftError
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.snapshot.installed import JUDGING, InstalledSettings

SHELL = "as set for this shell"


@dataclass(frozen=True, slots=True)
class ShownBy:
    """`whose`: whose settings they are, where they are not only the installation's."""

    settings: Settings
    whose: str = SHELL


def shown_by(settings: Settings) -> ShownBy:
    """`settings`: this shell's."""
    try:
        installed = InstalledSettings.of_cluster(Wiring.of(settings).cluster, settings.namespace)
    except VmDriftError:
        return ShownBy(settings)
    if not installed.config_map:
        return ShownBy(settings)
    shell = sorted(name for name in JUDGING if os.environ.get(name))
    data = {name: value for name, value in (installed.data or {}).items() if name not in shell}
    # A malformed one counts for nobody: the installation does not start with it.
    both, _ = Settings.read_what_can_be({**data, **os.environ})
    return ShownBy(both, f"{', '.join(shell)} {SHELL}" if shell else "")
