-- What was changed, newest first; and what others are to be told of.
CREATE INDEX changes_by_project ON changes (project, id);

-- Projects of which somebody wants to be told.
CREATE TABLE listeners (
    project TEXT PRIMARY KEY
) WITHOUT ROWID;

-- What happened in them and is still to be told, by its line in the history. It comes and goes with the transaction
-- that it happened in, whichever statement made the line.
CREATE TABLE outbox (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    id TEXT NOT NULL,
    project TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, id)
) WITHOUT ROWID;
CREATE INDEX outbox_by_age ON outbox (id);

CREATE TRIGGER history_told AFTER INSERT ON history WHEN EXISTS (SELECT 1 FROM listeners) BEGIN
    INSERT INTO outbox (partition, memory_id, id, project)
    SELECT NEW.partition, NEW.memory_id, NEW.id, o.project FROM owners AS o
    WHERE o.number = NEW.owner AND o.project IN (SELECT project FROM listeners);
END;
