"""Who sends an event: a sender with a token of ours, or of an OpenID Connect issuer. People: `web.page.auth`."""
