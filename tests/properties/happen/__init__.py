"""What can happen in a world: to nodes, to whoever fences, by people, and to the product itself."""
