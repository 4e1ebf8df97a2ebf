"""Reinforcement learning on plain tensors, over any vector environment of gymnasium.

Nothing here knows of a network. Each learner is one file with its loop in full view. In order of reading:

    episode_checks  order, actions and numbers, checked in every step
    replay          what happened, as transitions that never cross an episode's border; masks of legal actions
    evaluation      returns of a policy on whole episodes, and the choice of a checkpoint by validation episodes
    ddqn            double DQN: one choice among a few actions
    branching       branching dueling Q-network: many choices at once, each with its own legal actions
    exploration_noise   what disturbs actions that are numbers, to explore
    ddpg            deep deterministic policy gradient: continuous actions
    actor_critic    distributions over actions with masks, and what a state is worth
    policy_gradient advantage actor-critic: any of these actions, from fresh rollouts
    evolution       evolution strategies: no gradient through what scores the weights
"""
