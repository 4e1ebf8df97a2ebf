"""The GAI-driven digital twin (GDT) network of Huang et al. (IEEE Network 2025), as a small library to learn from.

The package has the paper's architecture. A module may import what stands below it, never what stands above; what stands
side by side, with a bar between, does not see each other:

    teaching                       what only the chapters use: figures, live source, exercises, claims
    case_study                     its case study: Fig. 4 (groups), Fig. 5 (figures)
    solutions                      its potential solutions: data_model is Solution 3
    loops                          Fig. 3: external loop, internal loop, and both together
    twin                           Fig. 2: status, emulation, abstraction, decision, virtual network
    gai | physical | worlds        networks of generative AI | Fig. 1: the physical network | small problems with an oracle
    agents                         reinforcement learning and evolution
    studies, learning, checkpoints sweeps, tables, intervals | one supervised loop | trained weights
    seeding, units, configuration, files  random streams | decibels | parameters, errors | whole files or none

Axis vocabulary. Every array annotation is written with these names, and so is every einops pattern:

    user        mobile users                        ap        access points, each with its own edge server
    group       multicast groups (slow time scale)  subgroup  the paper's SMGs: each shares one transmission
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
    token       tokens of a sequence                 vocabulary  different tokens
    query       tokens that look at others           key         tokens that are looked at
    batch       parallel environments or training samples; written first everywhere

Axes of studies, and of single files:

    view        watched videos of a user            context   entries that describe a network as a whole
    part        parts of a slot
    copy        copies of the environments, for trials
    candidate   sets of weights that are tried
    network     networks trained independently      seed      seeds of a study
    capacity    computing capacities of a study     resource  band and cycles
    edge        ends of bins, from 0 on             bin       parts of a video's normalized length
    ahead       coming segments of one video        second    seconds from now on
    age         slots since a report                moment    slots from which is looked ahead
    campus      campuses of a paired comparison     sample    campuses of all seeds of a study
    day         days of recorded loads          condition   entries of what is asked for
    epoch       passes over a training set          validation_epoch  the same, or none without a validation set
    episode     whole episodes of an environment    weight    weights of a network, as one vector
    class       classes of viewers                  draw      independent draws
    walk        walks that are watched over one horizon                  member    members of one group
    path        paths of one number over the coming slots, such as the SNR of one user to one access point
    mcs         modulation and coding schemes       rate      block error rates
    law         columns of a table of the channel's laws
    point       grid points of a table
    split       tried divisions of a price          piece     pieces of a broken line
    variable    variables of a program              constraint  constraints of a program
    node        segments of a video list that a cell may send             level     levels of spectral efficiency
    left        keys that are joined, left          right     keys that are joined, right
    place       buildings and gates of a campus             street      one-way streets between places
    pair        pairs that a join finds             over      views that end in a slot
    row         rows of a sparse matrix or an image             column    columns of a sparse matrix or an image
    plane       planes of an image: what is known of each pixel             noise     planes of noise
    patch_row   rows of patches of an image                     patch_column  columns of patches of an image
    status      entries of a user's status          coordinate  coordinates of a Gaussian
    taken       environments that are taken out of a batch
    crowd       crowds of viewers whose truth is known          truth       planted numbers of classes
    amount      numbers of views per user       count     numbers of groups that are tried
    prior       strengths of shrinkage          look      evaluations during a training
    band        bandwidths of a study
    y           pixels of a map to the north                    x         pixels of a map to the east
    building    buildings of a scene                            channel     parallel channels
    pattern     ways to switch access points on and off
    service     video, best effort and low latency              minute      large slots of a day

`*shape` and `*rest` stand for any number of axes.

A suffix says the unit: `_m _s _hz _w _dbm _db _bit _byte _bps _cycles _rad _mps _j`. A bare name is linear or has none.
"""

__version__ = "0.1.0"
