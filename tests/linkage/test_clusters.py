"""Clusters of persons: everything linked is together unless a decision keeps it apart."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from orchestration.linkage.clusters import Pair, clusters, pair

PERSONS = "abcdefgh"
pairs = st.sampled_from([pair(one, other) for one, other in combinations(PERSONS, 2)])
lists_of_pairs = st.lists(pairs, max_size=12)


def connected(links: list[Pair]) -> set[frozenset[str]]:
    """Return the connected components, in the plainest way."""
    components = [{person} for person in PERSONS]
    for one, other in links:
        touched = [component for component in components if component & {one, other}]
        components = [component for component in components if component not in touched]
        components.append(set().union(*touched))
    return {frozenset(component) for component in components}


def groups(leader: dict[str, str]) -> set[frozenset[str]]:
    return {
        frozenset(person for person in leader if leader[person] == first)
        for first in leader.values()
    }


@given(lists_of_pairs)
def test_without_decisions_clusters_are_connected_components(links: list[Pair]) -> None:
    assert groups(clusters(PERSONS, links)) == connected(links)


@given(lists_of_pairs, lists_of_pairs)
def test_what_is_decided_apart_is_never_together(links: list[Pair], apart: list[Pair]) -> None:
    leader = clusters(PERSONS, links, apart)
    assert not any(leader[one] == leader[other] for one, other in apart)


@given(lists_of_pairs, lists_of_pairs)
def test_a_link_is_left_out_only_for_a_decision(links: list[Pair], apart: list[Pair]) -> None:
    leader = clusters(PERSONS, links, apart)
    for one, other in links:
        if leader[one] != leader[other]:
            assert any(
                {leader[first], leader[second]} == {leader[one], leader[other]}
                for first, second in apart
            )


@given(lists_of_pairs, lists_of_pairs, st.randoms(use_true_random=False))
def test_a_decision_taken_back_leaves_nothing_behind(
    links: list[Pair], apart: list[Pair], rng: object
) -> None:
    clusters(PERSONS, links, apart)
    shuffled = list(links)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clusters(PERSONS, shuffled) == clusters(PERSONS, links)


@given(lists_of_pairs, lists_of_pairs)
def test_a_cluster_goes_by_its_least_key(links: list[Pair], apart: list[Pair]) -> None:
    leader = clusters(PERSONS, links, apart)
    for group in groups(leader):
        assert {leader[person] for person in group} == {min(group)}
