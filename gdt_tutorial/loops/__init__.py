"""The two closed loops of the paper's Fig. 3.

In order of the package's reading:

    collection  what all schemes of collection share
    external    physical network <-> twin: how often to collect (adaptive data collection)
    device_triggered   the same, where devices decide when to report (dead reckoning)
    internal    twin <-> generative AI: whose decision the network gets (adaptive decision-making)
    trust       twin against what came: whether its verdicts count
    ring_loop   the internal loop in a world of its own
    manager     both together, on their two time scales
    slicing     the centralized controller: guarantees of slices on the large time scale
    demand_forecasts   the demand that it expects
    slice_scheduling  the local controllers: who gets the bits of a slot inside them
    twin_placement  twins at the edge and in the cloud: bytes and delay between them
    recipes     studies of the closed loops, for the chapters
"""
