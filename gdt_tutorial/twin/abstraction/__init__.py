"""Box 3 and 4 of the paper's Fig. 2: from the status of many users to the features that a decision maker gets.

features   the protocol `FeatureAbstractor`, and what it makes: `Features`
subgroups  who belongs to which sub-multicast group (SMG), and how they are numbered
status_windows  windows of the whole status, as networks read them
filling    lost reports: straight lines, and a Gaussian given the reports that came
smoothing  noisy reports: a Kalman smoother along each user's path
correction  a variational autoencoder that corrects either, and starts as it
latent     a code of each SMG and how sure it is; `latent_training` makes the encoder
muting_context  what the features tell of who disturbs whom, and coded_context: its code by a variational autoencoder
expected_worst  the rate that an SMG can expect, in closed form from the emulator's own spread
loads      users per access point, seen and recorded
load_forecast  the load that comes, as context of the features
groups     statistics of every SMG: no training
"""
