"""The made-up year that krat shows itself on and that offices train on.

Belongs here: inventing files as institutions would send them. Not here: reading them, or anything
that a real delivery needs.
"""
