"""How the twin's shipped networks are made: what they learn from, for how long, with which seeds.

A recipe may use all of the twin; nothing but `twin.pretrained`, which runs it, uses a recipe.

    shipped_lstm        the LSTM that emulates positions (a minute)
    shipped_allocator   the network that allocates, by imitation and evolution (some ten minutes)

A study whose table the book shows stands here too; it is run by `reproduce`, and its table lies in `twin/results`.

    vae_study           codes of the status compared: principal components, autoencoders, variational autoencoders
"""
