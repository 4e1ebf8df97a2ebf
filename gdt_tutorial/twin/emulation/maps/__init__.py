"""Maps of the loss, emulated where nobody has measured: a scene's footprints in, draws of its maps out.

map_maker   the protocol `MapMaker`, and makers that need no training: heights drawn anew, a mean and a field around it
ray_table   the mean loss by distance and blockage, counted on measured maps
random_field  Gaussian fields on a grid, and the variogram of what was measured
kriging     the maps that agree with reports, when errors are Gaussian
sharpening  the same for the draws of any maker, by weight
generator    the maps of a GAN, from footprints and from reports
maker_scores  makers against the truth of scenes that they have not seen
map_update  error of the map after some reports
map_emulator  the status of users, read from drawn maps; kriging_emulator by kriging, the strong plain rule
"""
