"""Generative and representation-learning networks as plain tensor code: nothing here knows of a network to manage.

What the twin does with a model (a `StatusEmulator`, a `FeatureAbstractor`, a `DecisionMaker`) stands in `twin`, which imports
from here.

    autoencoder         windows of a time series to a few numbers and back
    vae                 the same with a width: a variational autoencoder
    probabilistic_pca   principal components as a Gaussian model, where a variational autoencoder starts
    vae_training        its loss, its start and its training
    vae_scores          what its code costs and loses on fresh windows
    unet                an image from a plain estimate of it: a residual U-Net
    gan                 the same with noise, against a discriminator: a conditional generative adversarial network
    noise_schedule      how much noise each step of a diffusion adds, and one step back
    denoiser            a guess of the clean vector, under what is known and toward what is asked for
    diffusion           from noise to such vectors, step by step, and training: a diffusion model
    inverse_dynamics    from two states to the action between them, and decisions by diffused future states
    interpolation       what lies between two samples of it
    advantage           how much better than usual a logged decision was, and the rank of that
    supervised_decisions   logged decisions as labels: cloning, classes of decisions, with a condition or without
    rate_distortion     nats that a Gaussian needs at a given loss
    demonstrations      what an imitator has seen, and copying it: behavioral cloning
    absorbing           episodes of one length, so that a learned reward cannot pay for time
    gail_discriminator  who is judged to be a copy, and the reward of that
    gail                generative adversarial imitation learning: practice until nobody can tell copy from original
    transformer         attention and blocks, written out
    language_model      guesses the next token from those so far
    generation          one token after the other, with the keys and values of what was read kept
    event_attention     what left one series arrives at another: attention by hand, and trained from there
    autoregression      vector autoregressions and mixtures of them, which it has to beat
    series_networks     general networks for the same series
    tables              the same in finite worlds, where nothing is approximated
    footprint           what one use of a model takes: numbers, bytes, operations, seconds, joules
    layer_flops         closed forms of the operations of a layer
    operator_trace      every operator of one run, and the layer that it stands in
"""
