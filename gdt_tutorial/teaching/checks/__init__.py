"""The self-checks of the exercises: one module per chapter, `chapter_00.py` for chapter 00."""
