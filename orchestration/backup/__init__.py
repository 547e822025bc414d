"""Backups: encrypted copies of what can't be made again, and the way back from one."""
