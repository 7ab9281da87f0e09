-- Numbers that place a row:
--   owner number = partition << 27 | running number       (partition: 12 bits, first in every key)
--   entry        = owner number << 24 | sequence          (one entry: one place in the index)
--   block        = entry >> 6                             (64 entries are packed together)
-- Rows of one owner are therefore neighbours in every table, and all of them are one range.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The first given of user, agent, app, run.
CREATE TABLE owners (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    next_sequence INTEGER NOT NULL DEFAULT 0,
    -- Counts writes to the owner's index, so that copies in memory can be trusted. It starts anywhere:
    -- after a reset the same number may be another owner's, whose count must not meet an old copy's.
    changes INTEGER NOT NULL DEFAULT (abs(random() >> 2)),
    UNIQUE (project, kind, name)
);

CREATE TABLE episodes (
    entry INTEGER PRIMARY KEY,
    span INTEGER NOT NULL,                 -- entries taken: one for each window of a long text
    owner INTEGER NOT NULL,                -- entry >> 24, for indexes
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    project TEXT NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    app_id TEXT,
    run_id TEXT,
    role TEXT NOT NULL,
    actor_id TEXT,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    said_at TEXT NOT NULL,                 -- in the zone it was given in
    received_at TEXT NOT NULL,             -- UTC, as all other times
    metadata TEXT NOT NULL,
    state TEXT NOT NULL,                   -- also the queue of what is still to be extracted
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    external_id TEXT,                      -- the caller's own; an owner holds each once
    UNIQUE (partition, id)
);
CREATE UNIQUE INDEX episodes_by_external_id ON episodes (owner, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX episodes_by_agent ON episodes (project, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX episodes_by_app ON episodes (project, app_id) WHERE app_id IS NOT NULL;
CREATE INDEX episodes_by_run ON episodes (project, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX episodes_waiting ON episodes (state) WHERE state IN ('pending', 'failed');

-- One row a version; at most one version of an id is current.
CREATE TABLE memories (
    entry INTEGER PRIMARY KEY,             -- an episode's own entry when the text is that episode
    span INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    current INTEGER NOT NULL,
    once TEXT,
    project TEXT NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    app_id TEXT,
    run_id TEXT,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    hash TEXT NOT NULL,
    subject TEXT,
    attribute TEXT,
    categories TEXT NOT NULL,
    metadata TEXT NOT NULL,
    confidence REAL NOT NULL,
    origin TEXT NOT NULL,
    attributed_to TEXT,
    actor_id TEXT,
    role TEXT,
    valid_from TEXT,
    valid_to TEXT,
    precision TEXT,
    known_from TEXT NOT NULL,
    known_to TEXT,
    retired_by TEXT,
    retire_reason TEXT,
    expires_at TEXT,
    pinned INTEGER NOT NULL,
    proof_count INTEGER NOT NULL,
    said_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (partition, id, version)
);
CREATE UNIQUE INDEX memories_current ON memories (partition, id) WHERE current;
CREATE UNIQUE INDEX memories_once ON memories (owner, once) WHERE current AND once IS NOT NULL;
-- (project, one id, id): finds an agent's or a run's alone, and lists newest first.
CREATE INDEX memories_by_project ON memories (project, id) WHERE current;
CREATE INDEX memories_by_user ON memories (project, user_id, id) WHERE current AND user_id IS NOT NULL;
CREATE INDEX memories_by_agent ON memories (project, agent_id, id) WHERE current AND agent_id IS NOT NULL;
CREATE INDEX memories_by_app ON memories (project, app_id, id) WHERE current AND app_id IS NOT NULL;
CREATE INDEX memories_by_run ON memories (project, run_id, id) WHERE current AND run_id IS NOT NULL;

CREATE TABLE sources (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    quote TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, episode_id, quote)
) WITHOUT ROWID;
CREATE INDEX sources_by_episode ON sources (partition, episode_id);

-- Append-only.
CREATE TABLE history (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    event TEXT NOT NULL,
    old_text TEXT,
    new_text TEXT,
    at TEXT NOT NULL,
    change_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (partition, memory_id, id)
) WITHOUT ROWID;

-- The index proper: what a search of a scope reads instead of rows. See stores/blocks.py.
CREATE TABLE blocks (
    block INTEGER PRIMARY KEY,
    marks BLOB NOT NULL,                   -- one fixed-size mark an entry: states, links, dates
    terms BLOB NOT NULL                    -- 32-bit hashes of words, entry after entry
);

-- Embedding spaces. Each has two tables of its own, made with it: vectors_N (block, codes) for the
-- scan and exact_N (entry, vector) for rescoring the best.
CREATE TABLE spaces (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL,
    active INTEGER NOT NULL
);
