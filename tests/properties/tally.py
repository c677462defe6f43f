"""What the state machine did and found, summed over its worlds."""

from collections import Counter

from tests.properties.happen.tenants import EDITS, OWNERS
from tests.properties.life import Life
from tests.properties.testimony import LIES

# Each kind of trouble that is drawn. A night in which one of them struck no world has tested less than it says.
TROUBLES = (
    *("power_cut", "cut_network", "stop_kubelet", "virt-handler dead", "flap", "one sign of life", "certificates"),
    *("reboot", "another node of that name", "node deleted", "a node's clock", "migration"),
    *("fences fail", "fences hang", "fences refuse", "fencing forbidden", "BMCs swapped", "a BMC lies"),
    *(
        "fences mute",
        "duplicate UUID",
        "no UUID",
        "NAT",
        "an operator lies",
        "forged remediation",
        "somebody else's remediation",
    ),
    *("a witness", *(f"a witness: {lie}" for lie in LIES), "somebody removes our taint"),
    *("confirmed", "confirmed, not true", "confirmed again", "hold", "nobody may fence it"),
    *("taint", "asked for more", *(f"edited: {how}" for how in EDITS), *(f"a pod of {owner}" for owner in OWNERS)),
    *("a hostile pod", "a hostile VM", "a hostile claim", "hostile records"),
    *("controller manager dead", "controller manager's clock", "all processes dead", "old news", "jobs run again"),
    *(f"{kind} at an API request" for kind in ("kill", "pause", "forget", "error")),
    *("drifts-0's clock steps", "fencing's clock steps", "scheduler's clock steps", "intake's clock steps"),
    *("redis's clock steps", "drifts-1's clock drifts", "watcher-0 dead", "drifts-0 dead", "fencing dead"),
)


class Tally:
    """`done`: figures; `worlds`: by kind of trouble, in how many worlds it struck."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing was done yet."""
        self.done: Counter[str] = Counter()
        self.worlds: Counter[str] = Counter()

    def add(self, life: Life, steps: int) -> None:
        """One more world, at its end."""
        judge, harm = life.judge, life.harm
        figures: dict[str, float] = {
            "worlds": 1,
            "steps": steps,
            "simulated hours": (life.world.now - life.began) / 3600,
            "releases": sum(judge.released.values()),
            "releases with proof": len(judge.proven),
            "machines stopped by a fence": len(harm.stops),
            "living bystanders": harm.bystanders(),
            "stopped on witnesses' word": life.testimony.early,
            "of these where two of them lied": life.testimony.two_lied,
            "hours that VMs were down": life.down.seconds / 3600,
            "seconds down although it could run": life.down.overdue,
            "changed during a pause": judge.late,
        }
        self.done.update(figures)
        self.done.update(judge.doubles.counts)
        self.worlds.update(set(life.struck))

    def merge(self, other: "Tally") -> None:
        """Those of another process."""
        self.done.update(other.done)
        self.worlds.update(other.worlds)

    @property
    def missing(self) -> list[str]:
        """What never struck."""
        return [kind for kind in TROUBLES if not self.worlds[kind]]

    def __str__(self) -> str:
        figures = ", ".join(f"{number:,.0f} {what}" for what, number in self.done.items())
        struck = ", ".join(f"{kind} {self.worlds[kind]}" for kind in sorted(self.worlds))
        return f"{figures}. Worlds struck by: {struck}"
