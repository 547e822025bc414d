"""What data must satisfy: suites for each source and each mart, and the gate before a release.

Belongs here: conditions on frames and the record of a verdict. Not here: reading files (sources)
or running anything on a schedule (orchestration).
"""
