"""How the case study's networks learn, and the trained ones.

cell_environment    every access point as a gymnasium environment
counterfactual      what one change of a version does, by paired replays
twin_replays        the same changes, replayed as a twin can that does not know what comes
training            the version networks of the proposed scheme
actor_scheduler     the scheduler of the DRL scheme
rivals              training of the DRL actor, and of a version network by temporal differences
trained_networks    the shipped networks, and `remake`, which makes them
learning_curves     their scores while they were trained
"""
