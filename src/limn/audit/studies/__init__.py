"""The studies, one question each.

A study of a few lines is one file, ``NAME.py``. A larger one is a folder: ``study.py`` says what is asked and who
reads it, ``measures.py`` estimates and knows no report, ``page.py`` tells what was estimated, ``prompts.py`` has the
words.
"""
