"""What tests stand on: virtual time and its judges, real processes and sites, and how they are killed.

What does not belong here: a test.
"""
