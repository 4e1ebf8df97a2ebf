"""How the twin's shipped networks are made: what they learn from, for how long, with which seeds.

A recipe may use all of the twin; in the twin, nothing but `twin.pretrained`, which runs it, uses a recipe.

    shipped_lstm        the LSTM that emulates positions (a minute)
    shipped_allocator   the network that allocates, by imitation and evolution (some ten minutes)
    shipped_latents     the encoder of users' windows (a minute)

Studies for the chapters, which compare parts of the twin without a loop, stand here too. One whose table the book shows is run
by `reproduce`, and its table lies in `twin/results`.

    vae_study           codes of the status compared: principal components, autoencoders, variational autoencoders
    latent_widths       does the width of a code grow with the age of the status, and cover the truth?
    mended_reports      how far are filled and denoised reports from the truth?
"""
