"""How the twin's shipped networks are made: what they learn from, for how long, with which seeds.

A recipe may use all of the twin; of the library nothing but `twin.pretrained`, which runs it, uses a recipe.

    shipped_lstm        the LSTM that emulates positions (a minute)
    shipped_allocator   the network that allocates, by imitation and evolution (some ten minutes)
    policy_gradient_allocator   another one, by the policy gradient on top of greedy (three minutes)
    online_allocator    a long session with a drift, in which an allocator goes on learning
"""
