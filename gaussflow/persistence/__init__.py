"""Fitted models in files that are safe to open."""

from gaussflow.persistence.archive import Saved, load, save
from gaussflow.persistence.codec import PersistenceError

__all__ = ["PersistenceError", "Saved", "load", "save"]
