"""Child processes and their end: whatever a stack starts is gone when the stack is, however it dies."""
