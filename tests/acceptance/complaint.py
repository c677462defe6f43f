"""`python -m tests.acceptance.complaint`: one line of a log, as every role writes it."""

import structlog

from reactor.process import configure_logs

if __name__ == "__main__":
    configure_logs()
    structlog.get_logger().warning("Redis is away", who="worker")
