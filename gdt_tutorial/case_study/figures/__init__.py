"""What makes the figures and tables of the case study: chapters 16 to 19, and `python -m gdt_tutorial reproduce`.

emulation_study   chapter 16: the emulated status against the truth
horizon_study     chapter 16: its errors by slots since the last report
fig4              cumulative swipe probability per group and video type
slot_decisions    chapter 18: the three decisions of a slot, taken apart
known_truth       chapter 17: curves, descriptions of users and numbers of groups, where the truth is known
held_out          chapter 17: what groups are worth on views that have not formed them
schemes           the schemes of Fig. 5 by name: `proposed`, the heuristic as `greedy_*`, the DRL scheme as `drl_*`
fig5              quality of experience over computing capacity, with the bound of `case_study.bound`
scheme_table      the stored table of Fig. 5, with intervals
own_scheme        a scheme of your own on the same campuses, compared with the stored ones
scheme_parts      what each part of the proposed scheme is worth
who_wins          where learning pays
win_map           its stored table, with the cells that its few seeds decide
logged_tasks      tasks that read watch logs
"""
