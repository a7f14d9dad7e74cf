-- kind: of the rule's condition, so that a rule that is given another kind does not go on from what this one left. Not
-- known of incidents that were carried over, which have no words.
ALTER TABLE standings ADD COLUMN kind TEXT
    CHECK (kind IN ('above', 'below', 'outside', 'rate', 'absent', 'stuck'));

UPDATE standings SET kind = (SELECT limit_kind FROM incidents WHERE id = incident AND limit_words <> '');
