"""The documentation and the commands that write parts of it."""
