"""How long the page takes from a key press to painted cards."""
