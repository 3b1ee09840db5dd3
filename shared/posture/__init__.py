"""Pure posture: facts in, verdicts out. No I/O, no clock.

`rules/` holds one file per rule; `catalogue` finds them. `gathering` says which fact is worth reading next,
`judging` what the rules say of a project, `judge` what changed since the last time, `views` what to show.
"""
