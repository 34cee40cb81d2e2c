"""The pages' icons: 16 x 16 outlines that take the colour of the text around them. `{% icon "name" %}` draws one."""
# ruff: noqa: E501 - an outline is one line

from __future__ import annotations

ICONS: dict[str, str] = {
    # places
    "log": '<path d="M2.5 4h11M2.5 8h6M2.5 12h4.5M10.5 9.5l3.2 3.2M13.7 9.5l-3.2 3.2"/>',
    "requests": '<path d="M2.2 9h3.3l1 2h3l1-2h3.3M2.2 9l1.9-5a1 1 0 0 1 .9-.7h6a1 1 0 0 1 .9.7l1.9 5v3a1 1 0 0 1-1 1H3.2a1 1 0 0 1-1-1z"/>',
    "people": '<circle cx="6" cy="5.3" r="2.4"/><path d="M1.6 13c.4-2.4 2.2-3.7 4.4-3.7s4 1.3 4.4 3.7M10.6 3.1a2.4 2.4 0 0 1 0 4.4M12.2 9.6c1.3.6 2.1 1.8 2.3 3.4"/>',
    "arrivals": '<path d="M8 2.4v6M5.4 6 8 8.6 10.6 6M2.2 9.6h3.2l1 1.8h3.2l1-1.8h3.2M2.2 9.6v2.6a1 1 0 0 0 1 1h9.6a1 1 0 0 0 1-1V9.6"/>',
    "settings": '<path d="M2 4.7h6.7M12.3 4.7H14M2 11.3h1.7M7.3 11.3H14"/><circle cx="10.5" cy="4.7" r="1.8"/><circle cx="5.5" cy="11.3" r="1.8"/>',
    "audit": '<path d="M2.6 3v3h3M2.9 5.9a5.5 5.5 0 1 1-.4 3"/><path d="M8 5.2v3.1l2.1 1.3"/>',
    "grid": '<rect x="2.5" y="2.5" width="4.5" height="4.5" rx="1"/><rect x="9" y="2.5" width="4.5" height="4.5" rx="1"/><rect x="2.5" y="9" width="4.5" height="4.5" rx="1"/><rect x="9" y="9" width="4.5" height="4.5" rx="1"/>',
    "pulse": '<path d="M1.6 8.4h2.9l1.8-5 3.2 9.4 1.9-5.2.9.8h2.1"/>',
    # things to do
    "search": '<circle cx="7" cy="7" r="4.3"/><path d="m10.3 10.3 3.3 3.3"/>',
    "chevron": '<path d="m4.5 6.3 3.5 3.5 3.5-3.5"/>',
    "chevrons": '<path d="m5 6.2 3-3 3 3M5 9.8l3 3 3-3"/>',
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "close": '<path d="m4.3 4.3 7.4 7.4M11.7 4.3l-7.4 7.4"/>',
    "send": '<path d="M14 2 7.2 8.8M14 2 9.7 14l-2.5-5.2L2 6.3z"/>',
    "download": '<path d="M8 2.5v7.4M4.8 6.9 8 10.1l3.2-3.2M2.7 13.2h10.6"/>',
    "upload": '<path d="M8 9.9V2.5M4.8 5.5 8 2.3l3.2 3.2M2.7 13.2h10.6"/>',
    "plus": '<path d="M8 3.2v9.6M3.2 8h9.6"/>',
    "bell": '<path d="M3.2 11.5c.9-.9 1.3-1.9 1.3-4.5a3.5 3.5 0 0 1 7 0c0 2.6.4 3.6 1.3 4.5zM6.7 13.7a1.4 1.4 0 0 0 2.6 0"/>',
    "eye": '<path d="M1.6 8S4 3.6 8 3.6 14.4 8 14.4 8 12 12.4 8 12.4 1.6 8 1.6 8z"/><circle cx="8" cy="8" r="1.9"/>',
    "pencil": '<path d="m10.6 3 2.4 2.4-7.6 7.6-3 .6.6-3z"/>',
    "theme": '<circle cx="8" cy="8" r="5.4"/><path d="M8 2.6a5.4 5.4 0 0 1 0 10.8z" fill="currentColor"/>',
    "sun": '<circle cx="8" cy="8" r="2.7"/><path d="M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M12.5 3.5l-.8.8M4.3 11.7l-.8.8"/>',
    "moon": '<path d="M13.2 9.4A5.6 5.6 0 0 1 6.6 2.8a5.5 5.5 0 1 0 6.6 6.6z"/>',
    "screen": '<rect x="2.2" y="3" width="11.6" height="7.6" rx="1.2"/><path d="M6 13.2h4M8 10.6v2.6"/>',
    "lift": '<path d="M8 13V4.2M4.6 7.4 8 4l3.4 3.4M3 13.3h10"/>',
    "leave": '<path d="M6.2 13.3H3.4a.9.9 0 0 1-.9-.9V3.6a.9.9 0 0 1 .9-.9h2.8M10.3 11.2 13.5 8l-3.2-3.2M13.4 8H6.2"/>',
    "link": '<path d="M6.4 9.6 13.3 2.7M9.3 2.7h4v4M12 9.4v3.1a.9.9 0 0 1-.9.9H3.5a.9.9 0 0 1-.9-.9V4.9a.9.9 0 0 1 .9-.9h3.1"/>',
    "key": '<circle cx="5.1" cy="10.9" r="2.6"/><path d="m7 9 6.1-6.1M10.9 5.1l2 2M9 7l1.5 1.5"/>',
    "lock": '<rect x="3.4" y="7.2" width="9.2" height="6.3" rx="1.2"/><path d="M5.4 7.2V5.1a2.6 2.6 0 0 1 5.2 0v2.1"/>',
    # how things stand
    "check": '<path d="m3.4 8.4 3.1 3.1 6.1-7"/>',
    "clock": '<circle cx="8" cy="8" r="5.6"/><path d="M8 4.8V8l2.2 1.5"/>',
    "retry": '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.4v3h-3"/>',
    "pause": '<circle cx="8" cy="8" r="5.6"/><path d="M6.4 6v4M9.6 6v4"/>',
    "flag": '<path d="M3.7 14V2.7h8.4l-1.6 3 1.6 3H3.7"/>',
    "alert": '<path d="M8 2.4 14.3 13.2H1.7z"/><path d="M8 6.6v3M8 11.3v.05"/>',
    "info": '<circle cx="8" cy="8" r="5.6"/><path d="M8 7.4v3.4M8 5.1v.05"/>',
    "minus": '<circle cx="8" cy="8" r="5.6"/><path d="M5.5 8h5"/>',
    # reasons: the names are the `mark`s of `delivery.reasons`
    "provider": '<path d="M6 2.8 2.5 6.3 6 9.8"/><path d="M2.5 6.3h7.2a3.7 3.7 0 0 1 0 7.4H7.2"/>',
    "suppressed": '<circle cx="8" cy="8" r="5.6"/><path d="m4.1 4.1 7.8 7.8"/>',
    "limit": '<path d="M3.3 12.4a6 6 0 1 1 9.4 0"/><path d="m8 9 2.8-3"/><path d="M8 9v.05"/>',
    "validation": '<circle cx="8" cy="8" r="2.3"/><path d="M10.3 5.7v3.1a1.75 1.75 0 0 0 3.5 0V8a5.8 5.8 0 1 0-2.3 4.6"/>',
    "private": '<path d="M2.6 7.1 8 2.8l5.4 4.3v6.1H2.6z"/><path d="M6.4 13.2V9.6h3.2v3.6"/>',
    "large": '<path d="M9.6 2.7h3.7v3.7M6.4 13.3H2.7V9.6M13 3 9.4 6.6M3 13l3.6-3.6"/>',
    "internal": '<path d="M13.6 4.9A3.6 3.6 0 0 1 8.9 9.2l-4.2 4.2a1.45 1.45 0 0 1-2.05-2.05L6.85 7.15a3.6 3.6 0 0 1 4.3-4.7L9.2 4.4l.6 1.85 1.85.6z"/>',
    "unknown": '<circle cx="8" cy="8" r="5.8"/><path d="M6.3 6.4a1.75 1.75 0 1 1 2.6 1.65c-.6.32-.9.7-.9 1.3M8 11.3v.05"/>',
}
