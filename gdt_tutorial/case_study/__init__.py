"""The paper's case study: GDT-assisted multicast short video streaming on a campus with two access points.

Multicast groups form by swipe behavior (Fig. 4), segments are buffered by their watching probability, versions are
selected, and time slots and computing cycles are scheduled; the quality of experience is compared with two other schemes
over the edge servers' computing capacity (Fig. 5). The paper gives its simulation setting by reference only, so most
numbers here are chosen, and each says so beside its value.
"""
