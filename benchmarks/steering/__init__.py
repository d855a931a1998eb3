"""Does each way of steering do what its paper says? One file a claim, on the shapes world with its exact reader."""
