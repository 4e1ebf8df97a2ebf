"""Studies of the closed loops: what a part of the twin changes in them.

imitation_in_the_loop   imitated walks and swipes: does the twin expect what then comes?
"""
