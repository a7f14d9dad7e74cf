-- People, their sessions and keys, and the audit of every change. Filters stand apart by blanks; secrets are hashes in hexadecimal.
CREATE TABLE users (
    name          text PRIMARY KEY NOT NULL,
    email         text,
    role          text NOT NULL,
    filters       text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    last_login_at timestamptz,
    revision      bigint NOT NULL
);

CREATE TABLE sessions (
    id           text PRIMARY KEY NOT NULL,
    token_hash   text NOT NULL UNIQUE,
    user_name    text NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    address      text,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_name, created_at);

CREATE TABLE api_keys (
    id           text PRIMARY KEY NOT NULL,
    name         text NOT NULL,
    owner        text NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    role         text NOT NULL,
    filters      text NOT NULL,
    secret_hash  text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX api_keys_by_owner ON api_keys (owner, created_at);

CREATE TABLE audit (
    number        bigint PRIMARY KEY NOT NULL,
    at            timestamptz NOT NULL,
    actor         text,
    via           text NOT NULL,
    address       text,
    action        text NOT NULL,
    target        text NOT NULL,
    outcome       text NOT NULL,
    salt          text,
    before        text,
    after         text,
    before_digest text,
    after_digest  text,
    hash          text NOT NULL
);
CREATE INDEX audit_by_target ON audit (target, number);

-- The keys that sign tokens, in hexadecimal.
CREATE TABLE token_keys (
    id         text PRIMARY KEY NOT NULL,
    secret     text NOT NULL,
    created_at timestamptz NOT NULL
);

-- The last row of the chain, and whether there ever was a user: the first one closes the page for good.
CREATE TABLE audit_head (
    id     bigint PRIMARY KEY NOT NULL CHECK (id = 1),
    number bigint NOT NULL,
    hash   text NOT NULL,
    closed bigint NOT NULL
);
INSERT INTO audit_head (id, number, hash, closed) VALUES (1, 0, '', 0);

-- The page's role changes them. What it has added to the audit it cannot change.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, api_keys, token_keys TO dashboard;
        GRANT SELECT, INSERT ON audit TO dashboard;
        GRANT SELECT, UPDATE ON audit_head TO dashboard;
    END IF;
END $$;
