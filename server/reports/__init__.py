"""The parts of a report: what is asked, the panels, brushing without a server, the words."""
