"""The connection to one BMC: sushy, limited to one try, one host and one deadline; and its errors as ours.

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
from reactor.model.errors import AccessRefused, FenceError, NoAnswer

# As few as it can be set to: a GET that is answered with 5xx is sent once more, at once; all else a single time.
_RETRIES = {"server_side_retries": 1, "server_side_retries_delay": 0}
# A management network is not behind the proxy that the environment names.
_DIRECTLY = {"http": None, "https": None, "all": None}
_REFUSED = frozenset({401, 403})  # Unauthorized, Forbidden


class BoundedConnector:
    """What sushy uses as its Connector. `deadline` by the monotonic clock: after it nothing is sent any more.

    So an order that timed out cannot be sent later, to a machine that is back by then.
    """

    def __init__(self, connector: Any, bmc_access: BmcAccess, deadline: float) -> None:
        self._connector, self._access, self._deadline = connector, bmc_access, deadline

    def get(self, path: str, **more: Any) -> Any:
        """A response that is no redirect; raises errors of requests and sushy, TimeoutError, FenceError."""
        return self._request(self._connector.get, path, more)

    def post(self, path: str, **more: Any) -> Any:
        """As `get`."""
        return self._request(self._connector.post, path, more)

    def set_auth(self, auth: Any) -> None:
        """Called by sushy's authentication."""
        self._connector.set_auth(auth)

    def set_http_basic_auth(self, username: bytes, password: bytes) -> None:
        """Called by sushy's authentication."""
        self._connector.set_http_basic_auth(username, password)

    def _request(self, method: Any, path: str, more: dict[str, Any]) -> Any:
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        if _origin(urljoin(self._access.address, path)) != _origin(self._access.address):
            raise FenceError(f"{self._access.bmc} refers to a path on another host, which would get the password")
        limits = min(timing.BMC_CONNECT, remaining), remaining
        response = method(path, timeout=limits, allow_redirects=False, proxies=_DIRECTLY, **more)
        if 300 <= response.status_code < 400:  # noqa: PLR2004 - HTTP's redirections
            message = f"{self._access.bmc} redirects (HTTP {response.status_code}), which might leak the password"
            raise FenceError(
                f"{message}: set address and system in {self._access.file} to those that answer without a redirect"
            )
        return response


def system(bmc_access: BmcAccess, deadline: float) -> Any:
    """The System, as sushy just read it, that the file names, or the only one.

    With Basic authentication, as fence-agents' fence_redfish does it: a session would have to be ended again, and a BMC
    has few of them. In UTF-8 (RFC 7617): requests takes only Latin-1 by itself.
    """
    import sushy  # noqa: PLC0415 - an extra; 0.15 s
    from sushy.auth import BasicAuth  # noqa: PLC0415
    from sushy.connector import Connector  # noqa: PLC0415

    # All that it logs is in the error that it raises; what a BMC answered is not for our log.
    logging.getLogger("sushy").setLevel(logging.CRITICAL)
    connector = Connector(bmc_access.address, verify=bmc_access.ca_file or True, **_RETRIES)
    bounded = BoundedConnector(connector, bmc_access, deadline)
    root = sushy.Sushy(
        bmc_access.address,
        auth=BasicAuth(bmc_access.username.encode(), bmc_access.password.encode()),
        connector=bounded,
    )
    return root.get_system(bmc_access.system or _only_system(bmc_access, root))


def force_off(machine: Any) -> None:
    """Send the order to a System of sushy's."""
    from sushy import ResetType  # noqa: PLC0415 - an extra

    machine.reset_system(ResetType.FORCE_OFF)


@contextmanager
def translated(bmc_access: BmcAccess) -> Iterator[None]:
    """Whatever sushy, requests, the system or JSON of another shape raises becomes FenceError, with our sentence.

    NoAnswer where nothing was heard.
    """
    try:
        yield
    except FenceError:
        raise
    except Exception as error:
        raise _translation(bmc_access, error) from error


def _only_system(bmc_access: BmcAccess, root: Any) -> str:
    members = tuple(root.get_system_collection().members_identities)
    if len(members) != 1:
        listed = ", ".join(str(member) for member in members[:8])[:400] or "none"
        message = f"{bmc_access.bmc} has {len(members)} systems, not exactly one ({listed})"
        raise FenceError(f"{message}: set system in {bmc_access.file} to the node's")
    return str(members[0])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _translation(bmc_access: BmcAccess, error: Exception) -> FenceError:
    """From the type of the error, never from its text: that may hold what was sent."""
    chain = list(_chain(error))
    if why := _answer(bmc_access, error, chain):
        return AccessRefused(why) if _is_refusal(error) else FenceError(why)
    if any(isinstance(cause, TimeoutError) for cause in chain):  # the socket's own, behind all others
        return NoAnswer(f"{bmc_access.bmc} does not answer in time")
    return NoAnswer(f"{bmc_access.bmc} cannot be reached: {type(chain[-1]).__name__}")


def _answer(bmc_access: BmcAccess, error: Exception, chain: list[BaseException]) -> str:
    """What is wrong with what it answered; "" where it did not."""
    from sushy import exceptions as sushy_errors  # noqa: PLC0415 - an extra

    if isinstance(error, sushy_errors.HTTPError):
        return f"{bmc_access.bmc} {_refusal(bmc_access, error.status_code or 0)}"
    if any(isinstance(cause, TimeoutError) for cause in chain):
        return ""
    if invalid := next((cause for cause in chain if isinstance(cause, ssl.SSLCertVerificationError)), None):
        why = f"{bmc_access.bmc} has a certificate that is not trusted ({invalid.verify_message})"
        return f"{why}: set ca_file in {bmc_access.file} to its CA"
    if isinstance(error, sushy_errors.MissingActionError | sushy_errors.InvalidParameterValueError):
        return f"{bmc_access.bmc} does not offer ForceOff for this machine"
    # JSON that cannot be read is an OSError, too: requests' JSONDecodeError inherits from it.
    if isinstance(error, sushy_errors.ConnectionError) or (
        isinstance(error, OSError) and not isinstance(error, ValueError)
    ):
        return ""
    return f"{bmc_access.bmc} sent a response that is not valid Redfish: {type(error).__name__}"


def _is_refusal(error: Exception) -> bool:
    from sushy import exceptions as sushy_errors  # noqa: PLC0415 - an extra

    return isinstance(error, sushy_errors.HTTPError) and error.status_code in _REFUSED


def _refusal(bmc_access: BmcAccess, status: int) -> str:
    if status in _REFUSED:
        user = f"username and password in {bmc_access.file}, whether that user may switch the power"
        return f"refuses access (HTTP {status}): check {user}, and whether the BMC allows Basic authentication"
    if status == 404:  # noqa: PLR2004 - Not Found
        return f"has no such machine (HTTP 404): check system in {bmc_access.file}"
    return f"answers HTTP {status}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes, the first cause last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
