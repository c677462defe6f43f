"""The HTTP server in front of the app: sockets, processes, connections in bounded number and time, whole requests only.

What does not belong here: routes, and who may do what.
"""
