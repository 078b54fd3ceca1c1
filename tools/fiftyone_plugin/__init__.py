"""labelloop inside FiftyOne's App: its panels, and what the command line can do as forms."""
