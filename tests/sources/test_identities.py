"""Spellings of one identity give the same pieces, other identities other ones.

The names here are made up of syllables: none is a person's.
"""

import random
import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.identities import PIECES, pieces
from sources.values import Cell

#: Onsets and endings whose combinations all sound different.
ONSETS = ("Bar", "Dul", "Fam", "Gok", "Kun", "Lop", "Mav", "Nar", "Pul", "Rom", "Tuk", "Zab")
ENDINGS = ("or", "im", "ak", "un", "ip", "otë", "and", "uç")
WORDS = [onset + ending for onset in ONSETS for ending in ENDINGS]

words = st.sampled_from(WORDS)
names = st.lists(words, min_size=1, max_size=3, unique=True)


def respelled(name: list[str], rng: random.Random) -> str:
    """Write a name as another clerk might: order, case, accents, joints and particles differ."""
    parts = list(name)
    rng.shuffle(parts)
    text = rng.choice([" ", "-", "  ", " i ", "\u00a0", "'"]).join(parts)
    text = rng.choice([str.upper, str.lower, str.title])(text)
    text = unicodedata.normalize(rng.choice(["NFC", "NFD"]), text)
    if rng.random() < 0.5:
        text = text.translate(str.maketrans("ëçËÇ", "ecEC"))
    return rng.choice(["", " "]) + text + rng.choice(["", " ", "."])


@given(names, st.randoms(use_true_random=False))
def test_a_name_gives_the_same_pieces_however_it_is_spelled(
    name: list[str], rng: random.Random
) -> None:
    assert pieces("name", respelled(name, rng)) == pieces("name", " ".join(name))


@given(names, names)
def test_different_names_give_different_pieces(one: list[str], other: list[str]) -> None:
    for first, second in zip(
        pieces("name", " ".join(one)) or (), pieces("name", " ".join(other)) or (), strict=True
    ):
        assert (first == second) == (sorted(one) == sorted(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gjibor", "Xhibor"),
        ("Qurand", "Çurand"),
        ("Qurand", "Churand"),
        ("Mirolla", "Mirola"),
        ("Dhurban", "Durban"),
        ("Shtorim", "Storim"),
        ("Hobraku", "Obrak"),
        ("Bëlind", "Blind"),
        ("Yrmet", "Irmet"),
    ],
)
def test_names_that_sound_alike_differ_in_spelling_alone(one: str, other: str) -> None:
    (written, sound), (other_written, other_sound) = pieces("name", one), pieces("name", other)
    assert written != other_written
    assert sound == other_sound


@given(
    st.from_regex(r"[A-Z][0-9]{8}[A-Z]", fullmatch=True).filter(lambda n: len(set(n[1:9])) > 1),
    st.randoms(use_true_random=False),
)
def test_a_personal_number_is_its_letters_and_digits(number: str, rng: random.Random) -> None:
    spaced = "".join(character + rng.choice(["", "", " ", "-", "."]) for character in number)
    assert pieces("personal_number", spaced.lower()) == pieces("personal_number", number)
    assert pieces("personal_number", number) == (f"AL{number}",)


@given(st.dates(date(1910, 1, 1), date(2023, 12, 31)))
def test_a_birth_date_is_a_day_and_a_year(day: date) -> None:
    for written in (day, datetime(day.year, day.month, day.day), f"{day:%d.%m.%Y}", f"{day}"):
        assert pieces("birth_date", written) == (day.isoformat(), str(day.year))
    assert pieces("birth_date", day.year) == (None, str(day.year))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("personal_number", "nuk ka"),
        ("personal_number", "0000000000"),
        ("personal_number", "RR-2023-001"),
        ("personal_number", "069 123 4567"),
        ("personal_number", "0038349123456"),
        ("personal_number", "123456789.0"),
        ("personal_number", 123456789012.3),
        ("personal_number", "31.05.1990 12"),
        ("name", "VMT 3"),
        ("name", "A."),
        ("name", "Kanarina/Bilbili"),
        ("name", "Kanarina dhe Bilbili"),
        ("name", True),
        ("birth_date", date(1905, 6, 7)),
        ("birth_date", "rreth 20 vjeç"),
        ("birth_date", "1.1.1099"),
        ("birth_date", True),
    ],
)
def test_what_many_could_share_is_no_identity(kind: str, cell: Cell) -> None:
    assert pieces(kind, cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "  ",
        "I panjohur",
        "E PANJOHUR",
        "N.N.",
        "nuk dihet",
        "?",
        "s'ka",
        "e mitura",
        "person i panjohur",
        "VMT",
    ],
)
def test_nothing_known_is_no_piece_and_no_fault(cell: str | None) -> None:
    assert pieces("name", cell) == (None, None)


def test_a_birth_date_may_be_a_day_of_excels_calendar() -> None:
    assert pieces("birth_date", 29000.0) == ("1979-05-25", "1979")
    assert pieces("birth_date", 1985) == (None, "1985")


@given(
    st.sampled_from(sorted(PIECES)), st.one_of(st.none(), st.text(), st.floats(), st.datetimes())
)
def test_whatever_a_cell_holds_there_are_as_many_pieces_as_columns(kind: str, cell: object) -> None:
    found = pieces(kind, cell)
    assert found is None or len(found) == len(PIECES[kind])
