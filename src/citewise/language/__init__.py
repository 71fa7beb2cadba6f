"""The words of texts and questions, as searching and answering compare them."""
