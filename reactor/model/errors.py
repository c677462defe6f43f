"""Every error that this project raises on purpose.

VmDriftError
|-- SettingsError          a setting is malformed; the process must not start
|-- BadInput               a job argument or event that cannot be understood; trying again would not help
|-- NotDone                what a person asked for cannot be done: it is not so, or not now; nothing was changed
|-- SenderQuotaExceeded    a sender's events may take no more of Redis in this hour; nothing was written
|-- FenceError             a fencing device or operator did not do what was asked; nothing is proven by it
|   |-- AccessRefused         it answered, and does not let us in: every further try may lock the account
|   `-- NoAnswer              nothing was heard from it: what it did is not known, and it may be without power itself
|-- ClusterError           the API server did not do what was asked
|   |-- ClusterUnreachable    no answer, or one that says "later" (429, 5xx, time-out): nothing is known, try again
|   |-- Unauthorized          401: the token is wrong or expired
|   |-- Forbidden             403: a verb is missing in RBAC
|   |-- NotServed             404 for a whole kind: KubeVirt is not installed
|   |-- NotFound              404 for one object
|   |-- Conflict              409: a precondition was not met; nothing was changed
|   |-- Expired               410: the resourceVersion is too old; list again
|   |-- Rejected              any other answer that is not a success
|   `-- InvalidName           a bug of ours: nothing was sent, because what was requested has no valid name
`-- StoreError             Redis did not do what was asked
    |-- StoreUnreachable      no answer, loading, or full: nothing is known, try again
    |-- StoreRefused          wrong password, or a command that this user may not use
    `-- LockLost              another holder has the lock; nothing was written
"""


class VmDriftError(Exception):
    """Root of the tree above."""


class SettingsError(VmDriftError):
    """Names the setting, what was found, and what is expected."""


class BadInput(VmDriftError):
    """Names the field, what was found (cut short), and what is expected."""


class NotDone(VmDriftError):
    """A whole sentence for whoever asked."""


class SenderQuotaExceeded(VmDriftError):
    """For the next `seconds` nothing more of this sender is accepted."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no more events of this sender are stored for {seconds:.0f} s")
        self.seconds = seconds


class FenceError(VmDriftError):
    """A whole sentence: who did not do what. It never holds a password."""


class AccessRefused(FenceError):
    """The credentials are wrong, or may not do this."""


class NoAnswer(FenceError):
    """No answer at all, as from a BMC that lost its power together with its host."""


class ClusterError(VmDriftError):
    """The API server did not do what was asked."""


class ClusterUnreachable(ClusterError):
    """No answer, or "later". `retry_after` is the server's Retry-After in seconds, where it sent one."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(ClusterError):
    """401."""


class Forbidden(ClusterError):
    """403."""


class NotServed(ClusterError):
    """404 for a whole kind."""


class NotFound(ClusterError):
    """404 for one object."""


class Conflict(ClusterError):
    """409."""


class Expired(ClusterError):
    """410."""


class Rejected(ClusterError):
    """Any other refusal."""


class InvalidName(ClusterError):
    """What was requested has no name that Kubernetes allows, or none at all."""


class StoreError(VmDriftError):
    """Redis did not do what was asked."""


class StoreUnreachable(StoreError):
    """No answer, loading, or full."""


class StoreRefused(StoreError):
    """Wrong password or forbidden command."""


class LockLost(StoreError):
    """Another holder has the lock."""
