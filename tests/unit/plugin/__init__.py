"""The plugin's rooms of values, and its command line on a cluster in memory."""
