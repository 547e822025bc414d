"""Dagster: assets, checks, jobs, schedules, sensors. The only code that imports it."""
