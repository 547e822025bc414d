"""Which persons are one, from pairs that are linked and pairs that must stay apart.

Belongs here: putting pairs together without contradiction. Not here: which pairs are linked
(orchestration.linkage.link).
"""

from collections.abc import Iterable

#: Two persons' keys, the smaller first.
Pair = tuple[str, str]


def pair(one: str, other: str) -> Pair:
    """Return two keys in their order."""
    return (one, other) if one < other else (other, one)


def clusters(
    persons: Iterable[str], links: Iterable[Pair], different: Iterable[Pair] = ()
) -> dict[str, str]:
    """Return for each person the least key of those it is one with, itself included.

    Links are taken in their order, the surest first: one that would put a pair together that is
    `apart` is left out. Without such pairs these are the connected components of the links.
    """
    leader = {person: person for person in persons}
    members = {person: {person} for person in leader}
    enemies: dict[str, set[str]] = {person: set() for person in leader}
    for one, other in different:
        enemies[one].add(other)
        enemies[other].add(one)

    for one, other in links:
        first, second = sorted((leader[one], leader[other]))
        if first == second or enemies[first] & members[second]:
            continue
        for person in members[second]:
            leader[person] = first
        members[first] |= members.pop(second)
        enemies[first] |= enemies.pop(second)
    return leader
