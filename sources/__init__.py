"""How what institutions send is read, checked for form, and kept.

Belongs here: layouts, readers, pseudonyms, raw Parquet. Not here: judging whether the content is
plausible (expectations) or deciding when any of it happens (orchestration).
"""
