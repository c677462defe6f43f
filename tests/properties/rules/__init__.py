"""The rules of the state machine: some time goes by, then something happens (tests.properties.happen)."""
