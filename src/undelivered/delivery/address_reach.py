"""Addresses that only work inside somebody's own network: the reserved IP ranges and domain names.

The ranges are those of IANA's special-purpose registries for IPv4 and IPv6 that are not globally reachable; the names
are those of RFC 6761 and its successors, plus names that networks commonly use inside and that ICANN does not delegate.
The documentation names `example.com`, `example.net`, `example.org` and `*.example` are not here: mail to them is
handed over, and the provider says what becomes of it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

# range, what it is for, where that is written
RESERVED_IPV4 = tuple(
    (IPv4Network(network), purpose, source)
    for network, purpose, source in (
        ("0.0.0.0/8", "this network", "RFC 791"),
        ("10.0.0.0/8", "a private network", "RFC 1918"),
        ("100.64.0.0/10", "a provider's shared address space", "RFC 6598"),
        ("127.0.0.0/8", "the machine itself", "RFC 1122"),
        ("169.254.0.0/16", "a single network link", "RFC 3927"),
        ("172.16.0.0/12", "a private network", "RFC 1918"),
        ("192.0.0.0/24", "protocol assignments", "RFC 6890"),
        ("192.0.2.0/24", "documentation", "RFC 5737"),
        ("192.88.99.0/24", "6to4 relays of old", "RFC 7526"),
        ("192.168.0.0/16", "a private network", "RFC 1918"),
        ("198.18.0.0/15", "benchmarks", "RFC 2544"),
        ("198.51.100.0/24", "documentation", "RFC 5737"),
        ("203.0.113.0/24", "documentation", "RFC 5737"),
        ("224.0.0.0/4", "multicast", "RFC 5771"),
        ("240.0.0.0/4", "future use", "RFC 1112"),
    )
)
RESERVED_IPV6 = tuple(
    (IPv6Network(network), purpose, source)
    for network, purpose, source in (
        ("::/128", "no address at all", "RFC 4291"),
        ("::1/128", "the machine itself", "RFC 4291"),
        ("64:ff9b:1::/48", "local translation between IPv4 and IPv6", "RFC 8215"),
        ("100::/64", "discarding", "RFC 6666"),
        ("2001::/23", "protocol assignments", "RFC 2928"),
        ("2001:db8::/32", "documentation", "RFC 3849"),
        ("3fff::/20", "documentation", "RFC 9637"),
        ("5f00::/16", "segment routing", "RFC 9602"),
        ("fc00::/7", "a private network", "RFC 4193"),
        ("fe80::/10", "a single network link", "RFC 4291"),
        ("fec0::/10", "a private network", "RFC 3879"),
        ("ff00::/8", "multicast", "RFC 4291"),
    )
)
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")  # all that IANA has opened for ordinary use (RFC 4291, 2.4)
TRANSLATED_IPV4 = IPv6Network("64:ff9b::/96")  # the last 32 bits are the IPv4 address (RFC 6052)

# name (and everything below it): where it is said that it leads nowhere in public
PRIVATE_NAMES = {
    "localhost": "RFC 6761",
    "local": "RFC 6762",
    "internal": "reserved by ICANN for private use",
    "home.arpa": "RFC 8375",
    "arpa": "RFC 3172, for the internet's own bookkeeping",
    "test": "RFC 6761",
    "invalid": "RFC 6761",
    "onion": "RFC 7686",
    "alt": "RFC 9476",
    "intranet": "RFC 6762, appendix G",
    "private": "RFC 6762, appendix G",
    "lan": "RFC 6762, appendix G",
    "corp": "never to be delegated, says ICANN",
    "home": "never to be delegated, says ICANN",
    "mail": "never to be delegated, says ICANN",
    "localdomain": "a common name for a network of one's own",
    "domain": "a common name for a network of one's own",
    "workgroup": "a common name for a network of one's own",
}


def parse_ip(domain: str) -> IPAddress | None:
    """The IP address that the part after the @ is, in brackets (RFC 5321, 4.1.3) or bare; None for a name."""
    text = domain
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    if "%" in text:  # an interface name, which no mail address has
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def why_private_ip(ip: IPAddress) -> str | None:
    """What keeps this address from being reached from the internet, or None when it can be."""
    inner = _embedded_ipv4(ip)
    if inner is not None:
        return why_private_ip(inner)
    if isinstance(ip, IPv4Address):
        for network, purpose, source in RESERVED_IPV4:
            if ip in network:
                return f"{network} is reserved for {purpose} ({source})"
        return None
    for wide, purpose, source in RESERVED_IPV6:
        if ip in wide:
            return f"{wide} is reserved for {purpose} ({source})"
    return None if ip in GLOBAL_UNICAST_IPV6 else f"it lies outside {GLOBAL_UNICAST_IPV6}, the public range (RFC 4291)"


def why_private_name(domain: str) -> str | None:
    """What keeps this name (ASCII, lower case) from being found on the internet, or None when it can be."""
    labels = domain.split(".")
    for length in range(len(labels), 0, -1):
        name = ".".join(labels[-length:])
        if name in PRIVATE_NAMES:
            what = name if length == len(labels) else f".{name}"
            return f"{what} names exist inside private networks only ({PRIVATE_NAMES[name]})"
    if len(labels) == 1:
        return "a name without a dot is known inside its own network only"
    return None


def _embedded_ipv4(ip: IPAddress) -> IPv4Address | None:
    """The IPv4 address inside a mapped, 6to4 or translated IPv6 address: it decides where the mail would go."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in TRANSLATED_IPV4:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
