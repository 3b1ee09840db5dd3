"""One file per rule, each with one `RULE`. A file that is put here is a rule; nothing else names it."""
