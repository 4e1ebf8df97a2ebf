"""Box 5 and 6 of the paper's Fig. 2: from features to the schedule of the next slot.

maker       the protocol `DecisionMaker`
schedule    what a slot can carry, and whole segments packed into it
greedy      model-based makers: greedy, and equal shares
corrected_greedy  greedy on rates that a small network corrects by the code of each SMG
allocator   data-based: a trained network
average     two makers as one: their mean, or one of them at a time
"""
