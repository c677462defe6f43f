"""The commands in `vmdrift --help`, in groups by what somebody is about to do."""

from collections.abc import Mapping

import click

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Look": ("status", "history", "events", "holds"),
    "Act": ("hold", "resume", "cancel", "retry", "drift", "confirm-off", "taint", "untaint", "unfence"),
    "Before an outage": ("doctor", "plan", "audit", "rehearse", "dump"),
    "Run it": ("run", "watch", "serve", "work", "probe", "token"),
}
_OTHER = "Other commands"


class GroupedCommands(click.Group):
    """A group whose help lists commands by `GROUPS`; what is in none comes last."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, a section for each group."""
        listed = {name for names in GROUPS.values() for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in listed)
        for title, names in {**GROUPS, _OTHER: rest}.items():
            rows = [(name, self._help(name)) for name in names if name in self.commands]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _help(self, name: str) -> str:
        return self.commands[name].get_short_help_str(limit=60)
