"""The portal's icons, drawn as strokes on a grid of 24; inline, because a page loads nothing from elsewhere."""

PATHS = {
    "logo": (
        '<path d="M7 19h9.7a4.2 4.2 0 0 0 .9-8.3A6 6 0 0 0 6.2 9.3 4.9 4.9 0 0 0 7 19z"/>'
        '<path d="M12 16v-4.8M9.6 13.3 12 10.8l2.4 2.5"/>'
    ),
    "projects": '<path d="M3.5 7.5a2 2 0 0 1 2-2h4l2 2.5h7a2 2 0 0 1 2 2v7.5a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z"/>',
    "overview": (
        '<rect x="3.5" y="3.5" width="7" height="9" rx="1.5"/>'
        '<rect x="13.5" y="3.5" width="7" height="5" rx="1.5"/>'
        '<rect x="13.5" y="11.5" width="7" height="9" rx="1.5"/>'
        '<rect x="3.5" y="15.5" width="7" height="5" rx="1.5"/>'
    ),
    "appliance": (
        '<rect x="3.5" y="4" width="17" height="7" rx="2"/>'
        '<rect x="3.5" y="13" width="17" height="7" rx="2"/>'
        '<path d="M7 7.5h.01M7 16.5h.01M11 7.5h5M11 16.5h5"/>'
    ),
    "machine": '<rect x="3" y="4.5" width="18" height="12" rx="2"/><path d="M8.5 20.5h7M12 16.5v4"/>',
    "group": (
        '<rect x="3.5" y="3.5" width="7" height="7" rx="1.5"/>'
        '<rect x="13.5" y="3.5" width="7" height="7" rx="1.5"/>'
        '<rect x="3.5" y="13.5" width="7" height="7" rx="1.5"/>'
        '<path d="M17 14v6M14 17h6"/>'
    ),
    "assessment": '<path d="M4 20.5h16M6.5 17v-5M11 17V7M15.5 17v-7.5M20 17V4"/>',
    "report": (
        '<path d="M6.5 3.5h7.5l4.5 4.5v10.5a2 2 0 0 1-2 2h-10a2 2 0 0 1-2-2v-13a2 2 0 0 1 2-2z"/>'
        '<path d="M14 3.5V8h4.5M8.5 13h7M8.5 16.5h5"/>'
    ),
    "price": '<path d="M4 4.5h7l9 9-6.5 6.5-9-9z"/><circle cx="8.3" cy="8.8" r="1.2"/>',
    "slider": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "job": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.4 2"/>',
    "members": (
        '<circle cx="9" cy="8" r="3.5"/>'
        '<path d="M2.5 19.5c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5"/>'
        '<path d="M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.4c2 .7 3.2 2.4 3.5 5.1"/>'
    ),
    "token": '<circle cx="8" cy="15.5" r="4.5"/><path d="M11.3 12.3 20 3.5M16 7.5l3 3M18.5 5l2 2"/>',
    "audit": '<path d="M12 3.5 5 6v5.5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9V6z"/><path d="m9 12 2.2 2.2L15.3 10"/>',
    "usage": '<path d="M4 18a8.5 8.5 0 1 1 16 0M12 15.5l3.8-5M12 15.5h.01"/>',
    "company": (
        '<path d="M4 20.5v-15a1.5 1.5 0 0 1 1.5-1.5h7A1.5 1.5 0 0 1 14 5.5v15"/>'
        '<path d="M14 10h4.5a1.5 1.5 0 0 1 1.5 1.5v9M2.5 20.5h19"/>'
        '<path d="M7.5 8h3M7.5 12h3M7.5 16h3"/>'
    ),
    "account": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20c.8-4 3.7-6 7.5-6s6.7 2 7.5 6"/>',
    "sign-out": '<path d="M14 4.5H7a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h7M10.5 12H21M17.5 8.5 21 12l-3.5 3.5"/>',
    "switch": '<path d="M4 8.5h14M14.5 5 18 8.5 14.5 12M20 15.5H6M9.5 12 6 15.5 9.5 19"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "copy": (
        '<rect x="8.5" y="8.5" width="12" height="12" rx="2"/>'
        '<path d="M15.5 5.5v-.5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v9A1.5 1.5 0 0 0 5 15.5h.5"/>'
    ),
    "download": '<path d="M12 4v11M7.5 10.5 12 15l4.5-4.5M4.5 19.5h15"/>',
    "upload": '<path d="M12 15.5v-11M7.5 9 12 4.5 16.5 9M4.5 19.5h15"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5.5 5.5"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "next": '<path d="m9.5 5.5 6.5 6.5-6.5 6.5"/>',
    "previous": '<path d="M14.5 5.5 8 12l6.5 6.5"/>',
    "good": '<circle cx="12" cy="12" r="8.5"/><path d="m8.5 12.3 2.5 2.5 4.7-5"/>',
    "warn": '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5M12 17h.01"/>',
    "bad": '<circle cx="12" cy="12" r="8.5"/><path d="m9 9 6 6M15 9l-6 6"/>',
    "unknown": (
        '<circle cx="12" cy="12" r="8.5"/>'
        '<path d="M9.7 9.5c.2-1.4 1.1-2 2.3-2 1.3 0 2.3.8 2.3 2 0 1.8-2.3 1.9-2.3 3.7M12 16.3h.01"/>'
    ),
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.7h.01"/>',
    "refresh": '<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4v5h-5"/>',
    "trash": '<path d="M4.5 6.5h15M9.5 6V4h5v2M6.5 6.5l1 13.5h9l1-13.5M10.5 10.5v6M13.5 10.5v6"/>',
}
