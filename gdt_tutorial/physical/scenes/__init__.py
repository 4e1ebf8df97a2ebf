"""Scenes: buildings that stand in the way of the radio, on a grid of pixels.

"GAN can help generate realistic network scenes for network environment construction and update by collaboratively training
its generator and discriminator" (the paper, GAI-Based Status Emulation). The paper gives no scene. Ours are synthetic, the one
around the buildings of Waterloo too: footprints are known to everybody, heights to nobody, and the loss follows from both.

Modules:
    scene: The value: heights on a grid, and where the access points stand.
    layout: Random scenes, and heights drawn anew.
    diffraction: Line of sight, knife edges, and maps of the loss.
    scene_streets: Where walkers go.
    scene_channel: The channel of a network that stands on a scene.
    scene_network: Such a network.
    campus_event: Six cells on one band, on one campus: the network of the first chapter.
"""
