"""Editions: counts of persons for anyone, by a calendar, the nation and counties together."""
