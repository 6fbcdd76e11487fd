"""Names of the autoencoders, as the option ``--autoencoder`` has them."""

LINEAR, CONVOLUTIONAL = KINDS = ("linear", "convolutional")
