"""Which delivery a content is, in a data folder whose keys are at hand."""

from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.reading import hash_content


def delivery_of(home: Home, content: bytes) -> str:
    """Return the id of the delivery that a content is or will be. Its key is made on first use."""
    return hash_content(content, Pseudonyms(home.keys).key)[:16]
