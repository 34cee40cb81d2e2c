"""What a customer sees who follows a link of a mail: no sign-in, no menu, one thing at a time."""
