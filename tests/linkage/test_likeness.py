"""Which pairs are linked, doubtful or strangers, held against who is who among made-up persons."""

import pytest
from linking import Person, keyed, measure

from orchestration.linkage.link import links_and_pairs

ONE = Person("Barimo", "Dulakor", "1990-05-03", "", "female")


def pairs_of(one: Person, other: Person) -> list[tuple[str, str]]:
    _, pairs = links_and_pairs(keyed([one, other]), {})
    return [(row["state"], row["method"]) for row in pairs]


def said(given: str, family: str, born: str = "", number: str = "", sex: str = "female") -> Person:
    return Person(given, family, born, number, sex)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, said("BARIMO", "dulakor", "3.5.1990")),
        (ONE, said("Barimo", "Dulakor", "1990-05-03", sex="")),
        (said("Ana Lumo", "Dulakor", "1990-05-03"), said("Lumo-Ana", "Dulakor", "1990-05-03")),
        (said("Bar", "Dul", "", "J05503001A"), said("Fam", "Gok", "", "j 05503001 a")),
    ],
)
def test_the_same_normalised_fields_link_exactly(one: Person, other: Person) -> None:
    assert pairs_of(one, other) == [("linked", "exact")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said("Gjibor", "Dulakor", "1990-05-03"), said("Xhibor", "Dulakor", "1990-05-03")),
        (ONE, said("Dulakor", "Barimo", "1990-05-03")),
    ],
)
def test_where_that_is_not_enough_splink_links(one: Person, other: Person) -> None:
    assert pairs_of(one, other) == [("linked", "splink")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, said("Barimo", "Dulakor")),
        (ONE, said("Barimo", "Dulakor", "1990")),
        (ONE, said("Barimo", "Dulakor", "1990-03-05")),
        (ONE, said("Barimo", "Famuton", "1990-05-03")),
        (said("Gjibor", "Dulakor", "1990-05-03"), said("Xhibor", "Dulakor", "1990")),
        # Twins, and a child with its mother's number.
        (ONE, said("Zabunik", "Dulakor", "1990-05-03")),
        (
            said("Barimo", "Dulakor", "1970-05-03", "J05503001A"),
            said("Zabunik", "Dulakor", "1999-05-03", "J05503001A"),
        ),
        # Two personal numbers.
        (
            said("Barimo", "Dulakor", "1990-05-03", "J05503001A"),
            said("Barimo", "Dulakor", "1990-05-03", "J05503002A"),
        ),
    ],
)
def test_what_a_person_must_decide_is_doubtful(one: Person, other: Person) -> None:
    assert pairs_of(one, other) == [("doubtful", "splink")]


@pytest.mark.parametrize(
    "other",
    [
        said("Zabunik", "Famuton", "1990-05-03"),
        said("Zabunik", "Dulakor", "1992-02-11"),
        said("Barimo", "Famuton", "1987-02-11"),
        said("", ""),
    ],
)
def test_strangers_are_neither_linked_nor_listed(other: Person) -> None:
    assert pairs_of(ONE, other) == []


def test_two_without_identity_are_not_one_person() -> None:
    links, pairs = links_and_pairs(keyed([said("", ""), said("", ""), said("", "", "1990")]), {})
    assert len({link["linked_person_key"] for link in links}) == 3
    assert not any(link["is_comparable"] for link in links)
    assert pairs == []


@pytest.mark.parametrize("seed", [1, 2])
def test_linking_is_nearly_never_wrong_and_misses_little_that_is_not_listed(seed: int) -> None:
    found = measure(persons=400, seed=seed)
    assert found.same > 200
    assert found.precision >= 0.99
    assert found.recall >= 0.7
    assert found.recall_with_review >= 0.95
    assert found.doubtful < found.records / 3


def test_the_same_people_give_the_same_numbers() -> None:
    people = keyed([ONE, said("Barimo", "Dulakor"), said("Gjibor", "Dulakor", "1990")])
    assert links_and_pairs(people, {}) == links_and_pairs(people, {})
