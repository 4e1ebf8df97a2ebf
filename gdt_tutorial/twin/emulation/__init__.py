"""Box 1 and 2 of the paper's Fig. 2: the status of slots and places from which nothing was collected.

emulator        the protocol `StatusEmulator`, and what it says: `EmulatedStatus`
extrapolation   hold the last position, or go on at constant velocity: no training
ap_offsets      access points that are weaker than the law says, from what is measured
fixed_share     the plainest hedge between the two
snr             the channel at an emulated position
walks           what a trained emulator learns from
turn_policy     where watched users turn, how long they stay, how fast they go
turn_practice   the same after practice in the twin (GAIL), and a copy by liked places
turn_checkpoint  such a policy in a file
imitator        an emulator that walks as they do, as many particles
residual_paths  whole paths from residuals of other users: analogues, a joint Gaussian; diffused_residuals: by diffusion
path_scores     scores of means, spreads and whole paths
lstm            the trained emulator (a long short-term memory, or a plain recurrent network), and lstm_training its training
emulation_scores  how good an emulator is by the age of a report
mini_batches    random users and windows on which an emulator is judged, and from which it may learn
futures         what a mean does not tell: the worst of several users, and handovers
maps            maps of the loss of a scene: who draws them, and how good they are
"""
