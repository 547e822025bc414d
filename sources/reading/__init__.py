"""A delivered file as typed rows, or as the reasons why it is refused.

Belongs here: recognising a file's layout and reading it cell by cell. Not here: what a cell's text
means (sources.values), whether rows are plausible (expectations), how rows are kept
(sources.custody.landing). Nothing of a file leaves this package but typed values, codes from lists,
and pseudonyms.
"""

from sources.reading.file import (
    CONTENT_PURPOSE,
    Reading,
    delivery_id_of,
    hash_content,
    read_content,
    read_each,
    refused_unread,
)

__all__ = [
    "CONTENT_PURPOSE",
    "Reading",
    "delivery_id_of",
    "hash_content",
    "read_content",
    "read_each",
    "refused_unread",
]
