"""Find the proxy of a host by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.request import getproxies, proxy_bypass

__all__ = ["Proxies"]


class Proxies:
    """The proxies of the process, read once.

    aiohttp's own reading of them costs a thread hop a request, and would add credentials from ~/.netrc."""

    def __init__(self) -> None:
        self._by_scheme = getproxies()
        self._networks = tuple(_networks(self._by_scheme.get("no", "")))

    def find(self, scheme: str, host: str, port: int) -> str | None:
        """Return the proxy's address, or None if the host is called directly, as loopback always is (like in Go)."""
        proxy = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if not proxy or self._is_direct(host, port):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def _is_direct(self, host: str, port: int) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        if address is not None and any(address in network for network in self._networks):
            return True
        return bool(proxy_bypass(host) or proxy_bypass(f"{host}:{port}"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _networks(no_proxy: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Yield the entries like `10.0.0.0/8`, which the standard library does not read."""
    for entry in no_proxy.split(","):
        try:
            yield ipaddress.ip_network(entry.strip(), strict=False)
        except ValueError:
            continue
