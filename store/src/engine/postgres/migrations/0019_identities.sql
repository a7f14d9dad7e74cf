-- Who logs in at an identity provider: the issuer and its name for the person, apart by a blank. Such a user has no password.
ALTER TABLE users ADD COLUMN subject text;
CREATE UNIQUE INDEX users_by_subject ON users (subject);
