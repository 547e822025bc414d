"""The registers: krat's own rows, the office's beside them, and what both make together.

Belongs here: how rows are united, checked and taken into use, and what writes rows for the office
to fill in. Not here: the registers themselves (dbt_project/seeds), or what the door reads of them
(sources.registers).
"""
