-- What Millrace has to tell about itself. sent_at: NULL until it was sent.
CREATE TABLE notices (
    name     TEXT PRIMARY KEY NOT NULL,
    subject  TEXT NOT NULL,
    text     TEXT NOT NULL,
    made_at  INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    again_at INTEGER NOT NULL,
    sent_at  INTEGER
) STRICT, WITHOUT ROWID;
