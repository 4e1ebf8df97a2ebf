"""Studies of many runs: how they are carried out, stored, and summed up.

sweeps      the many tasks of a figure, resumable, on one core, several, or a cluster
cluster     its tasks on a Dask cluster
tables      CSV files that say how they were made; seed_tables those of studies over seeds, as arrays
detection   how well a score tells broken from sound, and the Mahalanobis distance
intervals   95 % intervals over seeds (Student's t), and over seeds and networks that are crossed
image_scores  peak signal-to-noise ratio, structural similarity
frontiers   of cost against loss: what the cheapest mixture costs at a loss
scores      of predicted distributions: the continuous ranked probability score, the energy score, and coverage
coherence   of generated paths: do they move as real ones do
map_scores  of maps: runs of outage, spread, and waves
"""
