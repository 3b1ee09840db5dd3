"""What contradicts itself in the state, why it matters, and what makes it right again.

Nothing is invented and nothing is retired. What follows from other records is made anew; what belongs to
nobody is removed; what can only be known by looking is looked at again, by the work whose task it is. What is
being worked on is left alone: halfway through, it may well disagree.
"""
