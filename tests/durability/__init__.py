"""What is on disk when somebody is told: system calls of real servers, kills at named points and at any moment."""
