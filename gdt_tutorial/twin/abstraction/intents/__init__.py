"""An operator's intent: read from words, carried out as priorities, and its verdict told back.

reader         the protocol of whoever reads a sentence, and the scores of what it reads
language       a causal transformer that reads intents and tells verdicts
training       how it learns
plain_readers  the hand parser, linear classifiers, the nearest neighbor
priorities     an intent as weights of users and videos in the features
"""
