"""How the twin's shipped networks are made: what they learn from, for how long, with which seeds.

A recipe may use all of the twin; in the twin, nothing but `twin.pretrained`, which runs it, uses a recipe. Studies for the
chapters, which compare parts of the twin without a loop, stand here too.

    shipped_lstm        the LSTM that emulates positions (a minute)
    shipped_allocator   the network that allocates, by imitation and evolution (some ten minutes)
    shipped_latents     the encoder of users' windows (a minute)

Studies that the book shows stand here too; the table of the first is written by `reproduce`, and lies in `twin/results`.

    vae_study           codes of the status compared: principal components, autoencoders, variational autoencoders
    code_table          that table, read again
    latent_widths       does the width of a code grow with the age of the status, and cover the truth?
    mended_reports      how far are filled and denoised reports from the truth?
"""
