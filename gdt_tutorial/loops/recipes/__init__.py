"""Studies of parts in the closed loops, for the chapters: what does a part change in what the network serves?

imitation_in_the_loop   imitated walks and swipes: does the twin expect what then comes?
width_in_the_loop       a maker that reads the width of a code, against those that do not
maps_in_the_loop        drawn maps of a scene in the twin, against the law and the truth
scene_study             emulators of scenes, drawn scenes to train on, drawn maps in the loop: `reproduce scenes`
scene_table             that table, read again
vae_in_the_twin         that, widths by age and mended reports on fresh seeds: the table of `reproduce vae_twin`
twin_table              that table, read again
quickstart              the network of the first chapter and of the demo, with any of its parts exchanged
own_computing           edge servers that pay for the twin's own computing, against the same ones that do not
walkers                 telemetry of users who walk and watch nothing, for studies of collection
collection_timeline     users of a collection, slot by slot: asked when, and why
external_frontier       bytes against error, by who decides when to report: `reproduce external_frontier`
frontier_table          that table, read again
slicing_study           policies of slicing on the same days, as usual and under overload
sliced_campus           the video slice as the capacity of the book's network
model_quality           shipped networks by the measures of Table 1, with all their digits and with few
campus_change           the internal loop on the default campus, where an access point loses power in mid-run
event_change            the internal loop at the dense event, where access points lose power in mid-run
internal_study          these three on fresh seeds: what its table holds
internal_table          that table, read again
tailored_service        users who weigh latency, users who weigh quality, and a twin that estimates which
ring_change             the internal loop on a ring whose coupling widens in mid-run
validators              validators for such studies: by decisions alone, wrong on purpose, beside the truth
"""
