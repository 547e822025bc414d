"""Contents that are stored already, and whether a file that has one of them says anything new.

Belongs here: when the same bytes are a repeat, and when a delivery of their own. Not here: how
deliveries are kept (sources.custody.landing) or read (sources.reading).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq

from sources.custody.home import Home
from sources.reading import Reading

_COLUMNS = [
    "delivery_id", "content_hash", "source", "county_code", "institution_code", "is_made_up",
    "reporting_month", "received_at", "status",
]  # fmt: skip

Delivery = Mapping[str, Any]

#: Counties and contents that need no reading.
Settled = frozenset[tuple[str | None, str]]


def stored_contents(home: Home) -> "Contents":
    """Return the contents of every file stored so far, accepted or refused."""
    deliveries: list[dict[str, Any]] = []
    for path in (home.raw / "deliveries").glob("*.parquet"):
        deliveries += pq.read_table(path, columns=_COLUMNS).to_pylist()
    return Contents(sorted(deliveries, key=lambda each: each["received_at"]))


class Contents:
    """The contents of deliveries, given from the first to the last.

    The same content in the same county changes nothing, with two exceptions: what was refused may
    be taken now, because a register was mended; and a report that a later one replaced may be sent
    again to take that one's place. In another county's folder it is another delivery.
    """

    def __init__(self, deliveries: Iterable[Delivery] = ()) -> None:
        self._by_content: dict[str, list[Delivery]] = {}
        self._newest: dict[tuple[Any, ...], datetime] = {}
        self._of_one_time: dict[tuple[Any, ...], tuple[int, datetime]] = {}
        for delivery in deliveries:
            self.add(delivery)
            if delivery["status"] == "accepted":
                # What comes now comes behind what is stored.
                self._of_one_time[_time(delivery)] = -1, delivery["received_at"]

    def in_turn(self, reading: Reading, turn: int, *, is_tied: bool) -> tuple[Reading, bool]:
        """Return a reading with its time, and whether its order among versions had to be inferred.

        Of several files of an institution that were written in one second, `turn` says which
        follows which: they are some millionths of a second apart. Of versions of a report that was
        inferred where it `is_tied` with another by its time, or with one that was stored before.
        """
        delivery = reading.delivery
        if delivery["status"] != "accepted":
            return reading, False
        time = _time(delivery)
        if time not in self._of_one_time:
            self._of_one_time[time] = turn, delivery["received_at"]
            return reading, False
        other, written = self._of_one_time[time]
        if other == turn:
            # Another form of the same archive.
            is_tied, written = True, self._newest[_place(delivery)]
        received = written + timedelta(microseconds=(turn - other) or 1)
        later = replace(reading, delivery={**delivery, "received_at": received})
        # A log or record has no versions: it adds to those before it.
        return later, delivery["reporting_month"] is not None and (is_tied or other < 0)

    def add(self, delivery: Delivery) -> None:
        """Count a delivery as stored."""
        self._by_content.setdefault(delivery["content_hash"], []).append(delivery)
        if delivery["status"] == "accepted":
            place = _place(delivery)
            self._newest[place] = max(
                self._newest.get(place, delivery["received_at"]), delivery["received_at"]
            )

    @property
    def places(self) -> Settled:
        """The counties and contents that are stored."""
        return frozenset(
            (each["county_code"], content)
            for content, deliveries in self._by_content.items()
            for each in deliveries
        )

    @property
    def settled(self) -> Settled:
        """The counties and contents of which the report that holds is what was sent."""
        return frozenset(
            (each["county_code"], content)
            for content, deliveries in self._by_content.items()
            for each in deliveries
            if each["status"] == "accepted" and not self._is_replaced(each)
        )

    def named_apart(self, reading: Reading) -> Reading:
        """Return a reading under an id of its own if its county sent that content before."""
        delivery = reading.delivery
        alike = self._by_content.get(delivery["content_hash"], [])
        if all(each["county_code"] != delivery["county_code"] for each in alike):
            return reading
        place = f"{delivery['content_hash']}|{delivery['county_code']}|{delivery['received_at']}"
        own = hashlib.sha256(place.encode()).hexdigest()[:16]
        columns = reading.columns
        if columns:
            columns = columns | {"delivery_id": [own] * len(columns["delivery_id"])}
        return replace(reading, delivery={**delivery, "delivery_id": own}, columns=columns)

    def repeated(
        self, content: str, county_code: str | None, received_at: datetime, status: str | None
    ) -> str | None:
        """Return the id of the delivery that a file repeats, or None if it says anything new.

        `status` is what became of the file now; None if it needed no reading.
        """
        alike = self._by_content.get(content, [])
        own = [each for each in alike if each["county_code"] == county_code]
        if status is None:
            return str(own[-1]["delivery_id"])
        if not own:
            return None
        last = own[-1]
        if last["status"] == "accepted":
            is_news = self._is_replaced(last) and received_at > self._newest[_place(last)]
        else:
            is_news = status == "accepted"
        return None if is_news else str(last["delivery_id"])

    def _is_replaced(self, delivery: Delivery) -> bool:
        """Tell whether a later report took the place of one; a log or record has no such place."""
        return (
            delivery["reporting_month"] is not None
            and self._newest[_place(delivery)] > delivery["received_at"]
        )


def _time(delivery: Delivery) -> tuple[Any, ...]:
    return (*_place(delivery), delivery["received_at"].replace(microsecond=0))


def _place(delivery: Delivery) -> tuple[Any, ...]:
    names = ("source", "county_code", "institution_code", "reporting_month", "is_made_up")
    return tuple(delivery[name] for name in names)
