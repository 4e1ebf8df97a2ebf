"""Which users watch alike: multicast groups by swipe behavior (Fig. 4).

windows            what users watched as windows of status, and the simple encoders
grouping           from windows to groups: k-means++, and rules for the number of groups
cluster_count      the double DQN that chooses the number of groups
group_swipe_curves Kaplan-Meier curves by group and video type
planted            populations whose true groups are known
trained_grouping   the shipped autoencoder and Q-network, and `remake`, which makes them
"""
