"""Small declared abstractions, each with its oracle: problems on which one idea can be seen alone.

A world is no part of the network. Its module says what is left out, and gives the exact answer that a learned one is compared
with. Nothing in `physical` or `gai` imports a world, and a world imports none of them.

    finite   any finite world with an absorbing state: its exact laws, its walks, an environment of it
    street   walkers who pass one of two gates on their way to a goal
    views    watching a video as a chain without branches
    intents  an operator's wishes in words, each with its meaning
    ring     muting patterns of co-channel cells: several are equally good, and their mean is none
    ring_envs  rings side by side as an environment
    ring_logs  logs of policies that know the coupling or do not, and a twin that is fitted to them
    ring_calibration  a twin of the ring in mid-run: refitted where it fails
    channel_powers  power for parallel channels: one decision is best, in closed form
    loads    loads of access points between which crowds walk, with routes that are fixed, hidden or new
"""
