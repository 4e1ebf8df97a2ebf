"""The GAI-driven digital twin (GDT) network of Huang et al. (IEEE Network 2025), as a small library to learn from.

The package has the paper's architecture. A module may import what stands below it, never what stands above; modules side by
side do not see each other:

    teaching                       what only the chapters use: figures, live source, exercises, claims
    open_issues                    the paper's last section
    case_study                     its case study: Fig. 4 (groups), Fig. 5 (figures)
    solutions                      its potential solutions: data_model is Solution 3
    loops                          Fig. 3: external loop, internal loop, and both together
    twin                           Fig. 2: status, emulation, abstraction, decision, virtual network
    gai | physical | worlds        networks of generative AI | Fig. 1: the physical network | small problems with an oracle
    agents                         reinforcement learning and evolution
    studies, learning, checkpoints sweeps, tables, intervals | one supervised loop | trained weights
    seeding, units, configuration  named random streams | decibels | parameters and errors

Axis vocabulary. Every array annotation is written with these names, and so is every einops pattern:

    user        mobile users                        ap        access points, each with its own edge server
    group       multicast groups (slow time scale)  subgroup  subgroups that share one transmission (fast time scale)
    slot        network time                        step      diffusion time
    horizon     planned slots                       xy        the two coordinates of a position
    video       videos of the catalog               version   encodings (bitrates) of one video
    segment     pieces of one version               type      video types, such as "news"
    position    places in a group's video list      item      entries of a sending order
    server      edge and cloud servers              feature   entries of a feature vector
    latent      entries of an abstracted status     head      attention heads
    state       entries of an agent's state         action    entries (or number) of an agent's actions
    branch      choices that make up one action     choice    what an agent chooses from: actions, or branch x action
    env         environments side by side, of which some give no training sample in a step
    batch       parallel environments or training samples; written first everywhere

A suffix says the unit: `_m _s _hz _w _dbm _db _bit _byte _bps _cycles _rad _mps _j`. A bare name is linear or has none.
"""

__version__ = "0.1.0"
