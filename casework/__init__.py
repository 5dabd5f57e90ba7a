"""What a case is: items, states, deadlines, rights, papers; and the web pages both programs share."""
