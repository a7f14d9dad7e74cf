-- What devices announced about their later messages, as JSON: the newest two versions of each subject.
CREATE TABLE announcements (
    subject     text NOT NULL,
    received_at timestamptz NOT NULL,
    content     text NOT NULL,
    PRIMARY KEY (subject, received_at)
);
