"""Audits: what a model does to the people and cultures it draws, measured with figures that hold.

A probe is asked, a source draws, readers say what the pictures show, statistics estimate, a report tells. Each is a
step of its own: pictures that exist can be read again by another reader, and readings can be analysed again.
"""
