"""How krat's work is put in order and run: the command line and Dagster over the same steps.

Belongs here: settings, the command line, and for each concept (ingestion, warehouse, quality,
publication) plain functions that do a step and the Dagster assets that wrap them. Not here:
how a file is read (sources) or what makes a table true (expectations, dbt_project).
"""
