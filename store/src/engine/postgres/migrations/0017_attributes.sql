-- What devices say of themselves in words, and since when.
CREATE TABLE attributes (
    device text COLLATE "C" NOT NULL,
    name   text COLLATE "C" NOT NULL,
    value  text NOT NULL,
    since  timestamptz NOT NULL,
    PRIMARY KEY (device, name)
);
