-- What was changed, newest first; and what others are to be told of.
CREATE INDEX changes_by_project ON changes (project, id);

-- Projects of which somebody wants to be told.
CREATE TABLE listeners (
    project text COLLATE "C" PRIMARY KEY
);

-- What happened in them and is still to be told, by its line in the history. It comes and goes with the transaction
-- that it happened in, whichever statement made the line.
CREATE TABLE outbox (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, memory_id, id)
);
CREATE INDEX outbox_by_age ON outbox (id);

SELECT wall(name, $open$(SELECT current_setting('mnemic.project', true)) IN (project, '*')$open$)
FROM unnest(ARRAY['listeners', 'outbox']) AS name;

CREATE FUNCTION tell_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM listeners) THEN
        INSERT INTO outbox (partition, memory_id, id, project)
        SELECT n.partition, n.memory_id, n.id, o.project FROM fresh AS n
        JOIN owners AS o ON o.partition = n.partition AND o.number = n.owner
        WHERE o.project IN (SELECT project FROM listeners);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT ON history REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_history();
