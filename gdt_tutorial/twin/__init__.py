"""The digital twin: it mirrors the physical network, distills its status, and decides for it.

"DT mainly consists of three modules, i.e., status emulation module, data feature abstraction module, and network
decision-making module" (the paper, Digital Twin). In order of the data's way through the twin:

    status          what was collected, how old it is, and what stands in for the rest
    emulation       prediction of what was not collected; the protocol `StatusEmulator` and two baselines
    snr_emulation   the channel at an emulated position
    walks           what a trained emulator learns from
    lstm            the trained emulator, and lstm_training its training
    discriminator   how wrong and how uncertain the emulated status is, and how often to collect
    abstraction     features of the status; the protocol `FeatureAbstractor`
    decision        resource schedules from features; the protocol `DecisionMaker`
    environment     where a decision is tried out before the network gets it

The twin sees reports, never telemetry.
"""
