"""How the twin's shipped networks are made: what they learn from, for how long, with which seeds.

A recipe may use all of the twin; in the twin, nothing but `twin.pretrained`, which runs it, uses a recipe. Studies for the
chapters, which compare parts of the twin without a loop, stand here too.

    shipped_lstm        the LSTM that emulates positions (a minute)
    shipped_allocator   the network that allocates, by imitation and evolution (some ten minutes)
    policy_gradient_allocator   another one, by the policy gradient on top of greedy (three minutes)
    shipped_latents     the encoder of users' windows (a minute)
    shipped_intents     the transformer that reads intents and tells verdicts (three minutes)
    shipped_scenes      the generator of scenes (two minutes)
    shipped_turns       how people walk on the campus of the event (half a minute)
    shipped_bitmaps     who mutes there: an encoder of contexts, and two diffusion models (a minute)

    online_allocator    a long session with a drift, in which an allocator goes on learning
    swipe_imitation     who copies swipes best: the adversary, the clone, or Kaplan-Meier
    vae_study           codes of the status compared: principal components, autoencoders, variational autoencoders
    code_table          that table (`reproduce` writes it, and it lies in `twin/results`), read again
    ring_decisions      policies of the ring that learn from the same logs: diffusion and its rivals
    ring_study          those compared, with and without an expert in the logs; curves while they learn
    ring_curves         values while they learn, by what a decision costs, and between two decisions
    channel_study       powers of parallel channels, learned from optima and from mixed logs
    diffusion_study     both on fresh seeds (`reproduce diffusion`)
    diffusion_table     that table, read again
    intent_study        readers of intents compared: hand parser, classifiers, neighbor, transformer
    latent_widths       does the width of a code grow with the age of the status, and cover the truth?
    scene_emulators     emulators for networks on scenes: by the law, by drawn maps, by the truth
    ring_states         future states and inverse dynamics on the ring: the table of `reproduce decision_diffuser`
    state_table         that table, read again
    drawn_paths         paths of the status drawn by diffusion, against analogues and Gaussians
    dense_event_logs    runs of the dense event under any chooser of bitmaps, and logs to learn from
    dense_event_study   who mutes best there: rules, searches, and networks that learned from logs
    dense_event_table   that table (`reproduce dense_event`), read again
    mended_reports      how far are filled and denoised reports from the truth?
"""
