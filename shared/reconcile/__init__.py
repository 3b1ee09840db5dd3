"""Pure plans: what was observed and what is known in, what to write out. No I/O, no clock."""
