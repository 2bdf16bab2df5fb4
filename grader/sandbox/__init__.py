"""Starting workers apart from the judge, and taking submissions in."""
