"""The digital twin: it mirrors the physical network, distills its status, and decides for it.

"DT mainly consists of three modules, i.e., status emulation module, data feature abstraction module, and network
decision-making module" (the paper, Digital Twin). In order of the data's way through the twin:

    status             what was collected, how old it is, and what stands in for the rest; status_parts lists its parts,
                       status_counts learns some of them from deliveries and views, status_store keeps it
    emulation          boxes 1, 2: prediction of what was not collected; the protocol `StatusEmulator`
    discriminator      how wrong and how uncertain the emulated status is, and how often to collect
    report_rules       the same by rules on expected errors: a threshold, an index, an entropy; recalibration makes the
                       variances true, relative_entropy says what a report would reduce
    swipe_curves       how long viewers stay
    abstraction        boxes 3, 4: features of the status; the protocol `FeatureAbstractor`
    decision           boxes 5, 6: resource schedules from features; the protocol `DecisionMaker`
    virtual            the virtual network, where a decision is tried out before the network gets it
    twin_environment   whole episodes of the twin, for agents to train in
    recipes            how the shipped networks are made; pretrained loads them

The twin sees reports, never telemetry (see `physical.messages`).
"""

import gymnasium

# Their modules are imported when somebody makes them.
for _name, _maker in (("Twin-v0", "waterloo_twin"), ("TwinVersions-v0", "waterloo_versions")):
    if f"gdt_tutorial/{_name}" not in gymnasium.registry:
        gymnasium.register(f"gdt_tutorial/{_name}", entry_point=f"gdt_tutorial.twin.twin_environment:{_maker}")
