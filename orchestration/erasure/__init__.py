"""Erasing what is kept of persons, when one asks for it and when its time is over."""
