"""The book: what executes the chapters and builds the site."""
