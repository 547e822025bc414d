"""What is kept of what arrives: originals, raw tables, keys, journals; and who reads a file."""
