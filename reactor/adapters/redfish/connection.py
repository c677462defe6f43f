"""The line to one BMC: sushy, held to one try, one host and one end; and its errors in our words.

Left to itself, sushy 5.14 waits 60 s for each answer, tries ten times with pauses of 3 s (`sushy/main.py`; an order
whose connection broke was sent ten times in 27 s), follows redirects, and goes wherever a path in an answer leads: with
the credentials. It is an extra, so it is imported where it is used.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

from reactor import timing
from reactor.adapters.redfish.credentials import BmcAccess
from reactor.model.errors import FenceError

# As few as it can be told: a GET that is answered with 5xx is asked once more, at once; all else a single time.
_RETRIES = {"server_side_retries": 1, "server_side_retries_delay": 0}
# A management network is not behind the proxy that the environment names for the rest of the world.
_DIRECTLY = {"http": None, "https": None, "all": None}


class BoundedConnector:
    """What sushy takes for its Connector. `deadline` by the monotonic clock: after it nothing is sent any more.

    So an order that was given up cannot be sent later, to a machine that has come back by then.
    """

    def __init__(self, connector: Any, found: BmcAccess, deadline: float) -> None:
        self._connector, self._found, self._deadline = connector, found, deadline

    def get(self, path: str, **more: Any) -> Any:
        """An answer that is no redirect; the errors of requests, sushy and this house."""
        return self._asked(self._connector.get, path, more)

    def post(self, path: str, **more: Any) -> Any:
        """As `get`."""
        return self._asked(self._connector.post, path, more)

    def set_auth(self, auth: Any) -> None:
        """Called by sushy's authentication."""
        self._connector.set_auth(auth)

    def set_http_basic_auth(self, username: bytes, password: bytes) -> None:
        """Called by sushy's authentication."""
        self._connector.set_http_basic_auth(username, password)

    def _asked(self, method: Any, path: str, more: dict[str, Any]) -> Any:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        if _origin(urljoin(self._found.address, path)) != _origin(self._found.address):
            raise FenceError(f"{self._found.bmc} names a path on another host; it would get the password")
        limits = min(timing.BMC_CONNECT, left), left
        answer = method(path, timeout=limits, allow_redirects=False, proxies=_DIRECTLY, **more)
        if 300 <= answer.status_code < 400:  # noqa: PLR2004 - HTTP's redirections
            message = f"{self._found.bmc} sends us elsewhere (HTTP {answer.status_code}), where the password might leak"
            raise FenceError(f"{message}: name what answers by itself in {self._found.file}, address and system")
        return answer


def system(found: BmcAccess, deadline: float) -> Any:
    """A System of sushy's, just read, of the machine that the file names, or of the only one.

    With Basic authentication, as fence-agents' fence_redfish does it: a session would have to be ended again, and a BMC
    has few of them. In UTF-8 (RFC 7617): requests takes only Latin-1 by itself.
    """
    import sushy  # noqa: PLC0415 - an extra; 0.15 s
    from sushy.auth import BasicAuth  # noqa: PLC0415
    from sushy.connector import Connector  # noqa: PLC0415

    # All that it tells is in the error that it raises; what a BMC answered is not for our log.
    logging.getLogger("sushy").setLevel(logging.CRITICAL)
    connector = Connector(found.address, verify=found.ca_file or True, **_RETRIES)
    line = BoundedConnector(connector, found, deadline)
    root = sushy.Sushy(found.address, auth=BasicAuth(found.username.encode(), found.password.encode()), connector=line)
    return root.get_system(found.system or _only(found, root))


def force_off(chosen: Any) -> None:
    """The order, for a System of sushy's."""
    from sushy import ResetType  # noqa: PLC0415 - an extra

    chosen.reset_system(ResetType.FORCE_OFF)


@contextmanager
def translated(found: BmcAccess) -> Iterator[None]:
    """Whatever sushy, requests, the system or JSON of another shape raises becomes FenceError, told in our words."""
    try:
        yield
    except FenceError:
        raise
    except Exception as error:
        raise FenceError(_sentence(found, error)) from error


def _only(found: BmcAccess, root: Any) -> str:
    members = tuple(root.get_system_collection().members_identities)
    if len(members) != 1:
        shown = ", ".join(str(member) for member in members[:8])[:400] or "none"
        message = f"{found.bmc} has {len(members)} systems, not exactly one ({shown})"
        raise FenceError(f"{message}: name the node's in {found.file}, as system")
    return str(members[0])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _sentence(found: BmcAccess, error: Exception) -> str:
    """Made of what kind of error it is, never of its text: that may hold what was sent."""
    from sushy import exceptions as theirs  # noqa: PLC0415 - an extra

    chain = list(_chain(error))
    if isinstance(error, theirs.HTTPError):
        return f"{found.bmc} {_refusal(found, error.status_code or 0)}"
    if any(isinstance(one, TimeoutError) for one in chain):  # the socket's own, behind all others
        return f"{found.bmc} does not answer in time"
    if bad := next((one for one in chain if isinstance(one, ssl.SSLCertVerificationError)), None):
        why = f"{found.bmc} shows a certificate that nobody vouches for ({bad.verify_message})"
        return f"{why}: name who does in {found.file}, as ca_file"
    if isinstance(error, theirs.MissingActionError | theirs.InvalidParameterValueError):
        return f"{found.bmc} does not offer ForceOff for this machine"
    # JSON that cannot be read is an OSError, too, by requests' ancestry.
    if isinstance(error, theirs.ConnectionError) or (isinstance(error, OSError) and not isinstance(error, ValueError)):
        return f"{found.bmc} cannot be reached: {type(chain[-1]).__name__}"
    return f"{found.bmc} answers what is not Redfish as we know it: {type(error).__name__}"


def _refusal(found: BmcAccess, status: int) -> str:
    if status in {401, 403}:
        user = f"username and password in {found.file}, whether that user may switch the power"
        return f"refuses us (HTTP {status}): check {user}, and whether the BMC allows Basic authentication"
    if status == 404:  # noqa: PLR2004 - Not Found
        return f"has no such machine (HTTP 404): check system in {found.file}"
    return f"answers HTTP {status}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """It and what led to it, the first cause last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
