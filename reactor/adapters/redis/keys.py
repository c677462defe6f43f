"""The prefix of all keys in Redis, and those that several adapters use. Each adapter lists its own at its top."""

PREFIX = "vmdrift:"
STREAM = f"{PREFIX}events"
STREAM_LENGTH = 10_000  # events, about
CHANGES = f"{PREFIX}changes"  # written with a record (lua/save.lua), read by `changes`
