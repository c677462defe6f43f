"""Pictures of the page, as people see it: `make pictures`. Tests hold the same views against axe."""
