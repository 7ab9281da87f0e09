-- Sources that a change took away from a memory, so that they are given back when that is undone. `change_id`: as in
-- "sources". `counted`: by how much the memory's proof_count fell.
CREATE TABLE unproven (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    episode_id text COLLATE "C" NOT NULL,
    quote text COLLATE "C" NOT NULL,
    change_id text COLLATE "C",
    taken_by text COLLATE "C" NOT NULL,
    given_by text COLLATE "C",
    counted integer NOT NULL,
    project text COLLATE "C" NOT NULL
);
-- A quote may be longer than a key of an index.
CREATE UNIQUE INDEX unproven_key ON unproven (partition, memory_id, episode_id, md5(quote), taken_by);
CREATE INDEX unproven_by_episode ON unproven (partition, episode_id);
CREATE INDEX unproven_taken_by ON unproven (taken_by);
CREATE INDEX unproven_given_by ON unproven (given_by) WHERE given_by IS NOT NULL;

ALTER TABLE unproven ALTER COLUMN quote SET STATISTICS 0;

SELECT wall('unproven', $open$(SELECT current_setting('mnemic.project', true)) IN (project, '*')$open$);

-- What is erased leaves it in the same transaction, by triggers, so that code which knows nothing of it leaves nothing in
-- it either.
CREATE FUNCTION leave_unproven() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'DELETE FROM %I.unproven AS u USING gone WHERE u.partition = gone.partition AND u.%I = gone.id',
        TG_TABLE_SCHEMA, TG_ARGV[0]
    );
    RETURN NULL;
END $$;
CREATE TRIGGER unproven AFTER DELETE ON memories REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION leave_unproven('memory_id');
CREATE TRIGGER unproven AFTER DELETE ON episodes REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION leave_unproven('episode_id');
