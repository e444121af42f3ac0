"""The screen of a shell: transport, emulator and keys."""
