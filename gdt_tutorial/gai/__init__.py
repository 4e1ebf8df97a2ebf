"""Generative and representation-learning networks as plain tensor code: nothing here knows of a network to manage.

What the twin does with a model (a `StatusEmulator`, a `FeatureAbstractor`, a `DecisionMaker`) stands in `twin`, which imports
from here.

    autoencoder     windows of a time series to a few numbers and back
    demonstrations  what an imitator has seen, and copying it: behavioral cloning
    absorbing       episodes of one length, so that a learned reward cannot pay for time
    gail            generative adversarial imitation learning: practice until nobody can tell copy from original
    tables          the same in finite worlds, where nothing is approximated
"""
