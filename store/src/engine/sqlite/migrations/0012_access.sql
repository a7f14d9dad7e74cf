-- People, their sessions and keys, and the audit of every change. Filters stand apart by blanks; secrets are hashes in hexadecimal.
CREATE TABLE users (
    name          TEXT PRIMARY KEY NOT NULL,
    email         TEXT,
    role          TEXT NOT NULL,
    filters       TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    last_login_at INTEGER,
    revision      INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY NOT NULL,
    token_hash   TEXT NOT NULL UNIQUE,
    user_name    TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    address      TEXT,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_name, created_at);

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    owner        TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    role         TEXT NOT NULL,
    filters      TEXT NOT NULL,
    secret_hash  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_owner ON api_keys (owner, created_at);

CREATE TABLE audit (
    number        INTEGER PRIMARY KEY NOT NULL,
    at            INTEGER NOT NULL,
    actor         TEXT,
    via           TEXT NOT NULL,
    address       TEXT,
    action        TEXT NOT NULL,
    target        TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    salt          TEXT,
    before        TEXT,
    after         TEXT,
    before_digest TEXT,
    after_digest  TEXT,
    hash          TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_target ON audit (target, number);

-- The keys that sign tokens, in hexadecimal.
CREATE TABLE token_keys (
    id         TEXT PRIMARY KEY NOT NULL,
    secret     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The last row of the chain, and whether there ever was a user: the first one closes the page for good.
CREATE TABLE audit_head (
    id     INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    number INTEGER NOT NULL,
    hash   TEXT NOT NULL,
    closed INTEGER NOT NULL
) STRICT;
INSERT INTO audit_head (id, number, hash, closed) VALUES (1, 0, '', 0);
