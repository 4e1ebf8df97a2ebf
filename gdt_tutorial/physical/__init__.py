"""The physical network of the paper's Fig. 1: campus, access points, users, channel, video, controllers.

Modules:
    batch: Copies of environments, choices among them, and sums in them.
    campus: The box that users walk in, its buildings, and tables of a reader's own campus.
    topology: Access points, edge and cloud servers, backhaul.
    truncated_pareto: The law of legs, pauses and stays.
    mobility: Levy-flight walks of the users.
    streets: Places of a campus and the streets between them.
    destinations: Walks of users who prefer some places.
    fields: Gaussian fields along each user's path.
    channel: TR 38.901 path loss, correlated shadowing, fading and SNR.
    channel_model: The protocol of a channel: a statistical law, or a scene.
    scenes: Buildings in the way of the radio: random layouts, knife edges, maps of the loss.
    link_adaptation: From SNR to rate: modulation and coding schemes, and Shannon's bound.
    interference: SINR of access points on one band, and muting bitmaps.
    sionna_tables: What Sionna says of path loss and block errors, shipped as numbers.
    delivery: Serving access point; unicast, multicast and broadcast rates.
    video: Catalog, segments, versions.
    swipes: How long users watch: a generator, or views drawn from logs; swipe_fit has its numbers.
    logs: Real short-video watch logs in place of the generator.
    viewers: The users as viewers: what they like, and the swipe model that they follow.
    messages: Decisions, telemetry and reports.
    decision_checks: What a decision must be before it is carried out.
    streaming: Segments over the air, and who keeps them.
    playback: Watching, stalls, swipes and quality of experience.
    queues: Bits that wait, packets that are late, and the closed forms of both.
    services: Video, best effort and low latency at one access point, over a day.
    slicing: Isolated shares of the network's resources.
    controllers: Local and centralized controllers.
    network: The whole network, one slot at a time.
    dense_event: A crowd among six access points on one band: the second network.

Arrays are NumPy arrays. Parallel environments are the axis `batch`, which comes first:
`Float[np.ndarray, "batch user xy"]`.
"""
