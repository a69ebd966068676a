"""Stories that the view of the lattice tells."""

from __future__ import annotations

from functools import lru_cache

from kmcgrowth.classroom.stories import Story


@lru_cache(maxsize=1)
def stories() -> dict[str, Story]:
    """Name -> story of this view."""
    found = (
        Story(
            "compact", "Compact crystals",
            "Clusters wander between the seeds, fall apart, and their atoms wander on until they meet a crystal. "
            "Atoms hop along the surface until they have found a place with many neighbours. "
            "So the crystals stay compact, and neighbours compete for what is between them.",
            "Which of the crystals grows fastest, and what has its place in the box to do with it?",
            "The one with the largest share of the box to itself: each crystal empties the solution around it.", {},
        ),
        Story(
            "branches", "Branches",
            "Here atoms stay where they arrive: they hardly hop. "
            "Whatever sticks out into the solution meets more of the atoms that come, and sticks out further. "
            "The crystals become rough, as snow does.",
            "From which rate of hops on are the crystals compact, and what does attachment have to do with it?",
            "An atom has to find a better place before the next ones have buried it: hops have to outrun arrivals. "
            "Slow attachment lets atoms try many places in the solution too.", {"hops": 1.0},
        ),
        Story(
            "lonely", "Alone in the box",
            "A single crystal has all of the clusters to itself. "
            "Its mirror images beyond the walls of the box are its only neighbours. "
            "It grows until the solution is empty.",
            "How large must it become if all clusters in the box end in it? Count the clusters at the start.",
            "Its own units and 22 for each cluster that was there.", {"crystals": 1.0},
        ),
    )
    return {story.name: story for story in found}


__all__ = ["stories"]
