"""Doing: lab sessions, the judge, probes and the proof of a course."""
