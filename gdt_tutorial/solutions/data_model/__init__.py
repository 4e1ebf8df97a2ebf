"""The paper's Solution 3: a learned choice of versions and a convex program for the shares, in one decision.

reduced_program    the convex program of one access point's slot, solved by SLSQP
full_program       the same with the occupation times of the paper: a check of the reduced one
scheduling         whole segments from the optimum; the protocol `Scheduler`
baselines          greedy, equal and given shares
versions           selection of segment versions: the protocol `VersionSelector` and rules
cell_state         an access point and its subgroups as an agent sees them
version_network    the branching dueling Q-network that selects versions
optimum            the exact optimum of one slot, by branch and bound
"""
