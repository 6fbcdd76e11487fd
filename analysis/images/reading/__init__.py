"""How pictures are read, and what lies beside them on disks. Imports nothing of its parent."""
