-- What devices announced about their later messages, as JSON: the newest two versions of each subject.
CREATE TABLE announcements (
    subject     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    content     TEXT NOT NULL,
    PRIMARY KEY (subject, received_at)
) STRICT, WITHOUT ROWID;
