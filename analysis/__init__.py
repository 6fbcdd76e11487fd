"""From a model and images to a store; one module a stage, composed by ``pipeline``."""
