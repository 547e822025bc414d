"""Persons known to several institutions: linked exactly, by Splink, or by a person's decision."""
