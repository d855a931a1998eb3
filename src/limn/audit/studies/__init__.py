"""The studies: one question, one file; its docstring is the protocol of the paper it follows."""
