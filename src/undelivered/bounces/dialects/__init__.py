"""One file for each mailer that reports failures in a form of its own."""
