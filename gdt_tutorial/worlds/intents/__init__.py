"""An operator's intents in words, as a small language whose every sentence has one known meaning.

"GT can assist DT in accurately perceiving user intentions" (the paper, GAI models). Whether a model reads a
sentence rightly can only be said where the meaning is known, so this world makes both: first the meaning, then a sentence.

meaning     clauses of action, service, place, exception, relation and hour; and the tokens that write them
words       the phrases that stand for each value, and the orders of the parts of a clause
sentences   from meanings to sentences, and the splits on which a reader is trained and examined
parser      from sentences back to meanings, by hand: right on all by construction
verdicts    what became of an intent, as a structure, as sentences, and back
vocabulary  words and tokens as numbers

What is abstract: one language of some 130 words, no slips of the pen, no context, nothing left unsaid, and a meaning for every
sentence. Real operators do none of this. The buildings are those of the book's campus.
"""
