"""The reading copy of the warehouse, and asking it in SQL."""
