"""What happens to witnesses: the watchers on two nodes, who say which silent node answers them over TCP."""

from tests.properties.happen.begun import Begun


class Witnesses(Begun):
    """Of whom one may lie, or both."""

    def witness_lies(self, witness: str, how: str) -> None:
        """The watcher that runs on this node says something else than it has heard, of every silent node."""
        self.testimony.liars[witness] = how

    def witnesses_are_honest(self) -> None:
        """All say what they hear."""
        self.testimony.liars.clear()
