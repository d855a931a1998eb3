"""The audit studies on models: what they find, and how often their intervals hold the truth."""
