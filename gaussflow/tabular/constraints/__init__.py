"""Rules between columns: language, check, proposal, enforcement."""
