"""Which segments each subgroup should get: the buffer lists of the case study.

watching    the law of watch times along a list of videos
ranking     what a segment is worth to all who hear it, and the best ones of every subgroup
buffering   which segments, how many, in which order
"""
