"""What models draw from more than words: retrieval, pictures in prompts, priors, experts, cascades."""
