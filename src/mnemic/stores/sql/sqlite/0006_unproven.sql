-- Sources that a change took away from a memory, so that they are given back when that is undone. `change_id`: as in
-- "sources". `counted`: by how much the memory's proof_count fell. What is erased leaves it in the same transaction.
CREATE TABLE unproven (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    quote TEXT NOT NULL,
    change_id TEXT,
    taken_by TEXT NOT NULL,
    given_by TEXT,                         -- the change that gave it back
    counted INTEGER NOT NULL,
    project TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, episode_id, quote, taken_by)
) WITHOUT ROWID;
CREATE INDEX unproven_by_episode ON unproven (partition, episode_id);
CREATE INDEX unproven_taken_by ON unproven (taken_by);
CREATE INDEX unproven_given_by ON unproven (given_by) WHERE given_by IS NOT NULL;

CREATE TRIGGER unproven_memory AFTER DELETE ON memories BEGIN
    DELETE FROM unproven WHERE partition = OLD.partition AND memory_id = OLD.id;
END;
CREATE TRIGGER unproven_episode AFTER DELETE ON episodes BEGIN
    DELETE FROM unproven WHERE partition = OLD.partition AND episode_id = OLD.id;
END;
