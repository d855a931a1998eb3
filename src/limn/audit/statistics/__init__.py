"""Statistics of audits: one family a file, plain functions on numpy arrays.

Every function gives an ``Estimate`` (a figure with its interval) or a ``Significance`` (a p-value). Where the data
cannot carry a figure (nothing readable, one prompt, no spread) the result says so in ``why`` and its value is None:
an empty group is never 0. NaN stands for a picture that could not be read.
"""
