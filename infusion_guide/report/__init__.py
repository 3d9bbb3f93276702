"""The clinic's report: numbers from the database (figures), what of them may be shown (disclosure), drawn and written."""
