-- What devices say of themselves in words, and since when.
CREATE TABLE attributes (
    device TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (device, name)
) STRICT, WITHOUT ROWID;
