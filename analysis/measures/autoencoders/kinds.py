"""Names of the autoencoders, as the option ``--autoencoder`` has them."""

LINEAR, CONVOLUTIONAL, NONE = KINDS = ("linear", "convolutional", "none")
