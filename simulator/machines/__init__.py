"""What no API shows: machines, their disks and storage backends, what really runs, and the harm that is done.

What does not belong here: objects of the API.
"""
