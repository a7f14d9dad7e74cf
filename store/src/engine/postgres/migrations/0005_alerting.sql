-- Incidents with all that is told of them, notices and the messages that they go out in, what judging goes on from, and
-- silences. What was kept before is carried over.
ALTER TABLE incidents
    ALTER value DROP NOT NULL,
    ADD severity text NOT NULL DEFAULT 'warning' CHECK (severity IN ('info', 'warning', 'critical')),
    ADD limit_kind text NOT NULL DEFAULT 'above'
        CHECK (limit_kind IN ('above', 'below', 'outside', 'rate', 'absent', 'stuck')),
    ADD limit_words text NOT NULL DEFAULT '',
    ADD threshold double precision,
    ADD began_at timestamptz,
    ADD judged_at timestamptz,
    ADD peak double precision,
    ADD peak_at timestamptz,
    ADD ending text CHECK (ending IN ('cleared', 'rule removed')),
    ADD acknowledged_at timestamptz,
    ADD acknowledged_by text,
    ADD acknowledged_note text,
    ADD late boolean NOT NULL DEFAULT false;

UPDATE incidents SET
    began_at = opened_at,
    judged_at = opened_at,
    ending = CASE WHEN resolved_at IS NOT NULL THEN 'cleared' END;

ALTER TABLE incidents
    ALTER severity DROP DEFAULT,
    ALTER limit_kind DROP DEFAULT,
    ALTER limit_words DROP DEFAULT,
    ALTER late DROP DEFAULT,
    ALTER began_at SET NOT NULL,
    ALTER judged_at SET NOT NULL,
    ADD CHECK ((resolved_at IS NULL) = (ending IS NULL));

-- number: the order in which they were made.
CREATE TABLE messages (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id  text        NOT NULL UNIQUE,
    way         text        NOT NULL CHECK (way IN ('mail', 'webhook', 'mqtt')),
    recipient   text        NOT NULL,
    made_at     timestamptz NOT NULL,
    tries       integer     NOT NULL DEFAULT 0,
    again_at    timestamptz,
    problem     text,
    sent_at     timestamptz,
    given_up_at timestamptz
);

CREATE INDEX messages_owed ON messages (number) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX messages_by_time ON messages (made_at);

-- number: the order in which they were asked for. A notice without a message that was not dropped is waiting.
CREATE TABLE notices (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident  bigint      NOT NULL REFERENCES incidents (number) ON DELETE CASCADE,
    kind      text        NOT NULL CHECK (kind IN ('opened', 'reminder', 'resolved')),
    way       text        NOT NULL CHECK (way IN ('mail', 'webhook', 'mqtt')),
    recipient text        NOT NULL CHECK (recipient <> ''),
    asked_at  timestamptz NOT NULL,
    due_at    timestamptz NOT NULL,
    held      text,
    dropped   text,
    message   bigint REFERENCES messages (number),
    CHECK (message IS NULL OR dropped IS NULL)
);

-- Of an old mail it is not known when it was asked for: its message is as old as the last change of its incident, which
-- is the only time there that is by a clock of ours.
INSERT INTO messages (message_id, way, recipient, made_at, tries, sent_at)
SELECT m.message_id, 'mail', m.recipients, i.stored_at, CASE WHEN m.sent_at IS NULL THEN 0 ELSE 1 END, m.sent_at
FROM mails m JOIN incidents i ON i.id = m.incident
WHERE m.recipients <> '' ORDER BY m.id;

INSERT INTO notices (incident, kind, way, recipient, asked_at, due_at, message)
SELECT number, kind, 'mail', recipients, at, at, message FROM (
    SELECT m.id, i.number, m.kind, m.recipients, n.number AS message,
        CASE m.kind WHEN 'resolved' THEN coalesce(i.resolved_at, i.opened_at) ELSE i.opened_at END AS at
    FROM mails m JOIN incidents i ON i.id = m.incident JOIN messages n ON n.message_id = m.message_id
) old ORDER BY id;

DROP TABLE mails;

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
    rule         text COLLATE "C" NOT NULL,
    device       text COLLATE "C" NOT NULL,
    metric       text COLLATE "C" NOT NULL,
    phase        text             NOT NULL CHECK (phase IN ('normal', 'pending', 'firing', 'recovering')),
    since        timestamptz,
    incident     text,
    told         boolean,
    newest_at    timestamptz,
    newest_boot  bigint           NOT NULL,
    newest_seq   bigint           NOT NULL,
    newest_value double precision,
    value        double precision,
    written_at   timestamptz      NOT NULL,
    PRIMARY KEY (rule, device, metric)
);

CREATE INDEX standings_by_age ON standings (written_at) WHERE phase = 'normal';

-- Judging goes on from the newest incident of each subject, of whose opening somebody was told if anybody was to be.
INSERT INTO standings
SELECT DISTINCT ON (rule, device, metric) rule, device, metric,
    CASE WHEN resolved_at IS NULL THEN 'firing' ELSE 'normal' END, NULL,
    CASE WHEN resolved_at IS NULL THEN id END, CASE WHEN resolved_at IS NULL THEN true END,
    coalesce(resolved_at, opened_at), -1, -1, coalesce(resolved_value, value), NULL, stored_at
FROM incidents ORDER BY rule, device, metric, opened_at DESC, number DESC;

DROP INDEX incidents_by_subject;

CREATE TABLE silences (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        text        NOT NULL UNIQUE,
    rule      text,
    metric    text,
    device    text        NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    reason    text        NOT NULL,
    made_by   text        NOT NULL
);

-- Where a role only looks at what is stored, the page's, it may silence and acknowledge all the same.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') THEN
        GRANT INSERT, UPDATE ON silences TO dashboard;
        GRANT UPDATE (acknowledged_at, acknowledged_by, acknowledged_note, stored_at) ON incidents TO dashboard;
    END IF;
END $$;
