-- When the device last said the attribute, to a day; of those from before it is not known, and they count as said now.
ALTER TABLE attributes ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE attributes ALTER COLUMN seen_at DROP DEFAULT;
