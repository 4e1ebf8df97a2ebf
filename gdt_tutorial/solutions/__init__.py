"""The paper's potential solutions (its section of that name).

data_model   Solution 3, data-model-driven network management: learn the discrete half, optimize the rest
"""
