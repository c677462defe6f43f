"""Commands in sentences, as HTML."""

import re

from markupsafe import Markup, escape


def as_code(text: str) -> Markup:
    """`words` as code; everything else as the text that it is."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped one step before
