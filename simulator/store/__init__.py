"""What the simulated API server stores: objects by kind, their versions, selectors, pages, deletion.

What does not belong here: who may do what, and what the API does to an object on its way (`simulator.api`).
"""
