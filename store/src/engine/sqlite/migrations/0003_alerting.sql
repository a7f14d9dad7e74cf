-- Incidents with all that is told of them, notices and the messages that they go out in, what judging goes on from, and
-- silences. What was kept before is carried over.
ALTER TABLE incidents RENAME TO old_incidents;
DROP INDEX incidents_open_first;
DROP INDEX incidents_by_age;

-- number: the order in which they were recorded. stored_at: when the last change of the incident was kept; its age for
-- retention.
CREATE TABLE incidents (
    number            INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    rule              TEXT    NOT NULL,
    severity          TEXT    NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    device            TEXT    NOT NULL,
    metric            TEXT    NOT NULL,
    limit_kind        TEXT    NOT NULL
        CHECK (limit_kind IN ('above', 'below', 'outside', 'rate', 'absent', 'stuck')),
    limit_words       TEXT    NOT NULL,
    threshold         REAL,
    began_at          INTEGER NOT NULL,
    opened_at         INTEGER NOT NULL,
    judged_at         INTEGER NOT NULL,
    value             REAL,
    unit              TEXT,
    peak              REAL,
    peak_at           INTEGER,
    resolved_at       INTEGER,
    resolved_value    REAL,
    ending            TEXT CHECK (ending IN ('cleared', 'rule removed')),
    acknowledged_at   INTEGER,
    acknowledged_by   TEXT,
    acknowledged_note TEXT,
    late              INTEGER NOT NULL CHECK (late IN (0, 1)),
    stored_at         INTEGER NOT NULL,
    CHECK ((resolved_at IS NULL) = (ending IS NULL))
) STRICT;

INSERT INTO incidents (
    number, id, rule, severity, device, metric, limit_kind, limit_words, began_at, opened_at, judged_at, value, unit,
    resolved_at, resolved_value, ending, late, stored_at)
SELECT rowid, id, rule, 'warning', device, metric, 'above', '', opened_at, opened_at, opened_at, value, unit,
    resolved_at, resolved_value, iif(resolved_at IS NULL, NULL, 'cleared'), 0, stored_at
FROM old_incidents;

CREATE INDEX incidents_open_first ON incidents (resolved_at IS NULL, opened_at);
CREATE INDEX incidents_by_age ON incidents (stored_at) WHERE resolved_at IS NOT NULL;

-- number: the order in which they were made, and one that is never given again.
CREATE TABLE messages (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT    NOT NULL UNIQUE,
    way         TEXT    NOT NULL CHECK (way IN ('mail', 'webhook', 'mqtt')),
    recipient   TEXT    NOT NULL,
    made_at     INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    again_at    INTEGER,
    problem     TEXT,
    sent_at     INTEGER,
    given_up_at INTEGER
) STRICT;

CREATE INDEX messages_owed ON messages (number) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX messages_by_time ON messages (made_at);

-- number: the order in which they were asked for, and one that is never given again. A notice without a message that
-- was not dropped is waiting.
CREATE TABLE notices (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    incident  INTEGER NOT NULL REFERENCES incidents (number) ON DELETE CASCADE,
    kind      TEXT    NOT NULL CHECK (kind IN ('opened', 'reminder', 'resolved')),
    way       TEXT    NOT NULL CHECK (way IN ('mail', 'webhook', 'mqtt')),
    recipient TEXT    NOT NULL CHECK (recipient <> ''),
    asked_at  INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    held      TEXT,
    dropped   TEXT,
    message   INTEGER REFERENCES messages (number),
    CHECK (message IS NULL OR dropped IS NULL)
) STRICT;

-- Of an old mail it is not known when it was asked for: its message is as old as the last change of its incident, which
-- is the only time there that is by a clock of ours.
INSERT INTO messages (number, message_id, way, recipient, made_at, tries, sent_at)
SELECT m.id, m.message_id, 'mail', m.recipients, i.stored_at, m.sent_at IS NOT NULL, m.sent_at
FROM mails m JOIN old_incidents i ON i.id = m.incident
WHERE m.recipients <> '';

INSERT INTO notices (number, incident, kind, way, recipient, asked_at, due_at, message)
SELECT id, number, kind, 'mail', recipients, at, at, id FROM (
    SELECT m.*, i.number, iif(m.kind = 'resolved', coalesce(i.resolved_at, i.opened_at), i.opened_at) AS at
    FROM mails m JOIN incidents i ON i.id = m.incident
    WHERE m.recipients <> ''
);

-- An incident is opened and resolved once for everyone, and nobody has two reminders waiting.
CREATE UNIQUE INDEX notices_once ON notices (incident, kind, way, recipient) WHERE kind <> 'reminder';
CREATE UNIQUE INDEX notices_reminding ON notices (incident, way, recipient)
    WHERE kind = 'reminder' AND message IS NULL AND dropped IS NULL;
CREATE INDEX notices_waiting ON notices (due_at) WHERE message IS NULL AND dropped IS NULL;
CREATE INDEX notices_of_incident ON notices (incident);
CREATE INDEX notices_of_message ON notices (message) WHERE message IS NOT NULL;

-- How each device and metric stands towards each rule. newest_*: of the newest reading judged; where newest_at is NULL
-- there was none, and where boot or seq is -1 it has none.
CREATE TABLE standings (
    rule         TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    metric       TEXT    NOT NULL,
    phase        TEXT    NOT NULL CHECK (phase IN ('normal', 'pending', 'firing', 'recovering')),
    since        INTEGER,
    incident     TEXT,
    told         INTEGER CHECK (told IN (0, 1)),
    newest_at    INTEGER,
    newest_boot  INTEGER NOT NULL,
    newest_seq   INTEGER NOT NULL,
    newest_value REAL,
    value        REAL,
    written_at   INTEGER NOT NULL,
    PRIMARY KEY (rule, device, metric)
) STRICT, WITHOUT ROWID;

CREATE INDEX standings_by_age ON standings (written_at) WHERE phase = 'normal';

-- Judging goes on from the newest incident of each subject, of whose opening somebody was told if anybody was to be.
INSERT INTO standings
SELECT rule, device, metric, iif(resolved_at IS NULL, 'firing', 'normal'), NULL,
    iif(resolved_at IS NULL, id, NULL), iif(resolved_at IS NULL, 1, NULL),
    coalesce(resolved_at, opened_at), -1, -1, coalesce(resolved_value, value), NULL, stored_at
FROM incidents i
WHERE NOT EXISTS (
    SELECT 1 FROM old_incidents n WHERE (n.rule, n.device, n.metric) = (i.rule, i.device, i.metric)
    AND (n.opened_at, n.rowid) > (i.opened_at, i.number));

DROP TABLE mails;
DROP TABLE old_incidents;

CREATE TABLE silences (
    number    INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    rule      TEXT,
    metric    TEXT,
    device    TEXT    NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    made_by   TEXT    NOT NULL
) STRICT;
