"""The commands of `docker-tutor`, a file for each family: arguments, help, and the one call that does it.

A family's module imports nothing heavy by itself; what a command needs is imported when it runs.
"""
