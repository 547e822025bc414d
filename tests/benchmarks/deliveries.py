"""Which delivery a content is, in a data folder whose keys are at hand."""

from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.reading import delivery_id_of, hash_content


def delivery_of(home: Home, content: bytes, county: str = "AL-04") -> str:
    """Return the id of the delivery that a content is or will be in the folder of a county.

    Its key is made on first use.
    """
    return delivery_id_of(hash_content(content, Pseudonyms(home.keys).key), county)
