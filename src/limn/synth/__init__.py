"""Pictures that teach: labelled sets made by a model, how wrong their labels are, and what they are worth."""
