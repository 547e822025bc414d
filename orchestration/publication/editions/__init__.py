"""Editions: counts of persons for anyone, on days of a calendar, the nation and counties together."""
