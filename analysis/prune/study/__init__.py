"""How a study of a store is made: piece by piece, so that a stopped run goes on."""
