"""Releases of both tiers: written, compared, verified."""
