"""What the keys in Redis begin with, and those that several of the doors use. Each door lists its own at its top."""

PREFIX = "vmdrift:"
STREAM = f"{PREFIX}events"
CHANGES = f"{PREFIX}changes"  # written with a record (lua/save.lua), read by doors.changes
