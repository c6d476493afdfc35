"""Setting a machine up: what is plugged in, the test card, and the correction that its measured sides give."""
