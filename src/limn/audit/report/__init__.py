"""The report: what was asked, what was found, how sure it is, and what it does not say."""
