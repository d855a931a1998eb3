"""Pictures that say what they are: an invisible mark in the pixels, and a signed credential in the file.

Marking happens in one place, where a finished picture is written for a person (:class:`limn.provenance.seal.Seal`);
what measures pictures (audits, training, judges' own drawings) draws without a seal.
"""
