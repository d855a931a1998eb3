"""Does each way of steering do what its paper says? A function a claim, mostly on shapes with their exact reader."""
