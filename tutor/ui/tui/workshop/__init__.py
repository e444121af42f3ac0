"""The workshop in the terminal app: a learner's line and panel, the instructor's board."""
