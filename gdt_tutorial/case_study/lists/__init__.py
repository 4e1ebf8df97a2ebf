"""Which segments each subgroup should get: the buffer lists of the case study.

watching    the law of watch times along a list of videos
buffering   which segments, how many, in which order
"""
