"""Studies of a store: what took long to find out about its model, as files under ``studies``."""
