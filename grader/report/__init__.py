"""The Report and one pure function per format: `Report -> text or bytes`."""
