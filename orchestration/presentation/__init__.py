"""How figures are told: periods, numbers, sentences and charts, in Albanian and English."""
