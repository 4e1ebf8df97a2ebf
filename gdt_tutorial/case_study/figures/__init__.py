"""What makes the figures and tables of the case study: chapters 16 to 18, and `python -m gdt_tutorial reproduce`.

emulation_study   chapter 16: the emulated status against the truth
horizon_study     chapter 16: the same by slots ahead
fig4              cumulative swipe probability per group and video type
schemes           the schemes of Fig. 5 by name
fig5              quality of experience over computing capacity
scheme_parts      what each part of the proposed scheme is worth
who_wins          where learning pays
logged_tasks      tasks that read watch logs
"""
