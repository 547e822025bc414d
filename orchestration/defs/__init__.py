"""Dagster: assets, checks, jobs, schedules, sensors, resources. The only code that imports it.

Belongs here: how the steps of a refresh (orchestration.refresh) look in Dagster. Not here: what a
step does, or what is published. Each module has a function that makes its definitions, so that an
import reads no file and no environment.
"""
