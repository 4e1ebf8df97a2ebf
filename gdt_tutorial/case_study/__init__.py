"""The paper's case study: GDT-assisted multicast short video streaming on a campus with two access points.

Multicast groups form by swipe behavior (Fig. 4), segments are buffered by their watching probability, versions are
selected, and time slots and computing cycles are scheduled; the quality of experience is compared with two other schemes
over the edge servers' computing capacity (Fig. 5). The paper gives its simulation setting by reference only, so most
numbers here are chosen, and each says so beside its value.

    scenario     users, what they watched on earlier days, and the status that the twin holds of them
    groups       who watches alike: multicast groups (Fig. 4)
    lists        which segments each subgroup should get
    experiment   campuses and schemes: run one session
    bound        what no scheme can exceed
    learning     how the networks of the schemes learn, and the trained ones
    figures      what makes the figures and tables of chapters 16 to 18
    results      the stored tables; checkpoints, the stored networks
"""

import gymnasium

# Its module is imported when somebody makes it.
if "gdt_tutorial/Campus-v0" not in gymnasium.registry:
    gymnasium.register(
        "gdt_tutorial/Campus-v0", entry_point="gdt_tutorial.case_study.learning.rivals:case_study_campus"
    )
