"""What a patient reads: the ledger it rests on, the reviewed words, and how a reply is completed. Free of Rasa."""
