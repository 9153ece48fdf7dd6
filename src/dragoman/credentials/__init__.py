"""How a request is signed, and where its key comes from. One of the two places that read the environment.

A new way to sign (AWS SigV4, Google, Azure) is one more implementation of `Credential`, and a provider's record names it."""

from dragoman.credentials._credential import Credential, NoCredential, missing
from dragoman.credentials._keys import ApiKey, FirstAvailable, QueryKey, lookup
from dragoman.credentials._request import HttpRequest

__all__ = [
    "ApiKey",
    "Credential",
    "FirstAvailable",
    "HttpRequest",
    "NoCredential",
    "QueryKey",
    "lookup",
    "missing",
]
