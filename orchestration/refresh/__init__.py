"""A refresh: what it will do, and the steps that do it."""
