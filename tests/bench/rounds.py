"""Servers that are loaded in turn, and what came of it."""
import math
import statistics


def interleaved(rounds, measured):
    """Calls each function of the dictionary in turn, in alternating order; what they returned, as a list by name."""
    found = {name: [] for name in measured}
    names = list(measured)
    for number in range(rounds):
        for name in names[::-1] if number % 2 else names:
            found[name].append(measured[name]())
    return found


def ratio(ours, theirs):
    """Of what two cost in the same rounds: the median, and how far it reaches."""
    # A window of a tenth of a second may be too short for the clock of a server that does little.
    ratios = [one / other if other else math.inf for one, other in zip(ours, theirs)]
    return {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
