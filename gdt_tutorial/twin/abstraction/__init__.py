"""Box 3 and 4 of the paper's Fig. 2: from the status of many users to the features that a decision maker gets.

features   the protocol `FeatureAbstractor`, and what it makes: `Features`
groups     statistics of every sub-multicast group (SMG): no training
"""
