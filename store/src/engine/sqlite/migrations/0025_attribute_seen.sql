-- When the device last said the attribute, to a day; of those from before it is not known, and they count as said now.
ALTER TABLE attributes ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
UPDATE attributes SET seen_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER);
