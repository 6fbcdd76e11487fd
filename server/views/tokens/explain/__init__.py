"""Views of the workspace Explain: one prediction, its maps, the heads that speak for it, sinks."""
