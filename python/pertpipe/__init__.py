"""PMX streams of pertpipe in Python: arrays by blocks (Reader, write), or AnnData (read_pmx, write_pmx)."""
from .convert import read_pmx, write_pmx
from .stream import Categories, Damaged, Reader, write

__all__ = ["Categories", "Damaged", "Reader", "read_pmx", "write", "write_pmx"]
