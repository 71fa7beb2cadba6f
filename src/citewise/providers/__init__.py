"""What everything that talks to a provider over the network shares."""
