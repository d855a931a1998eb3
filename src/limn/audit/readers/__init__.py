"""Readers: what a picture shows, as far as it can be told. "Represented as", never who somebody is."""
