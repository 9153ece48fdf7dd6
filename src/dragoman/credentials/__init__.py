"""How a request is signed, and where its key is found. One of the two places that read the environment."""

from dragoman.credentials._credential import ApiKey, Credential, FirstFound, NoCredential, lookup, missing

__all__ = ["ApiKey", "Credential", "FirstFound", "NoCredential", "lookup", "missing"]
