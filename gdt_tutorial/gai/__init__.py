"""Generative and representation-learning networks as plain tensor code: nothing here knows of a network to manage.

What the twin does with a model (a `StatusEmulator`, a `FeatureAbstractor`, a `DecisionMaker`) stands in `twin`, which imports
from here.

    autoencoder   windows of a time series to a few numbers and back
"""
