-- What deciding, queueing, undoing and forgetting need. Indexes that start with an owner start with its
-- partition; ids of changes carry theirs and are looked up alone, as one change may reach several owners.

-- Counts what was decided about the owner's memories, from 0 to anywhere and on: a decision made on an
-- older count is made again.
ALTER TABLE owners ADD COLUMN decisions INTEGER NOT NULL DEFAULT 0;

ALTER TABLE memories ADD COLUMN object TEXT;
ALTER TABLE memories ADD COLUMN slot TEXT;
ALTER TABLE memories ADD COLUMN seen TEXT;               -- the text with its secrets masked, where it has any
ALTER TABLE memories ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memories ADD COLUMN valid_before TEXT;       -- valid_to as it was before the version was closed
UPDATE memories SET valid_before = valid_to WHERE NOT current;
CREATE INDEX memories_by_slot ON memories (owner, slot) WHERE current AND slot IS NOT NULL;
-- As the indexes of current ones: a question about the past also finds what another memory took the place of.
CREATE INDEX superseded_by_project ON memories (project, id) WHERE retire_reason = 'superseded';
CREATE INDEX superseded_by_user ON memories (project, user_id, id)
    WHERE retire_reason = 'superseded' AND user_id IS NOT NULL;
CREATE INDEX superseded_by_agent ON memories (project, agent_id, id)
    WHERE retire_reason = 'superseded' AND agent_id IS NOT NULL;
CREATE INDEX superseded_by_app ON memories (project, app_id, id)
    WHERE retire_reason = 'superseded' AND app_id IS NOT NULL;
CREATE INDEX superseded_by_run ON memories (project, run_id, id)
    WHERE retire_reason = 'superseded' AND run_id IS NOT NULL;

ALTER TABLE episodes ADD COLUMN due_at TEXT;             -- while pending: not before; of a leased one: until then
ALTER TABLE episodes ADD COLUMN leased INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN task TEXT;
ALTER TABLE episodes ADD COLUMN change_id TEXT;          -- what brought it
ALTER TABLE episodes ADD COLUMN seen TEXT;               -- the content as search sees it, where that differs
ALTER TABLE episodes ADD COLUMN changed_by TEXT;         -- what moved it last, and from where
ALTER TABLE episodes ADD COLUMN state_before TEXT;
ALTER TABLE episodes ADD COLUMN reason_before TEXT;
CREATE INDEX episodes_by_change ON episodes (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX episodes_changed_by ON episodes (changed_by) WHERE changed_by IS NOT NULL;
-- With the owner: exactly one scope. Such episodes are worked on in their order, by one at a time.
ALTER TABLE episodes ADD COLUMN conversation TEXT GENERATED ALWAYS AS (json_array(agent_id, app_id, run_id)) VIRTUAL;
-- The queue: by age, by conversation, and what somebody works on. They hold all that choosing looks at.
CREATE INDEX episodes_by_age
    ON episodes (due_at, received_at, leased, owner, conversation, project, user_id, agent_id, app_id, run_id)
    WHERE state = 'pending';
CREATE INDEX episodes_by_conversation ON episodes (owner, conversation, entry, due_at, received_at)
    WHERE state = 'pending';
CREATE INDEX episodes_leased ON episodes (owner, conversation, due_at) WHERE leased;

ALTER TABLE sources ADD COLUMN change_id TEXT;           -- what added it to a memory that was there
CREATE INDEX sources_by_change ON sources (change_id) WHERE change_id IS NOT NULL;

CREATE INDEX history_by_change ON history (change_id);

-- Runs in which a memory was said, beside its own, in the order of their coming.
CREATE TABLE runs (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    project TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (partition, memory_id, run_id)
) WITHOUT ROWID;
CREATE INDEX runs_by_run ON runs (project, run_id);

CREATE TABLE changes (
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    project TEXT NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    app_id TEXT,
    run_id TEXT,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    undone_by TEXT,
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;

CREATE TABLE tombstones (
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    owner INTEGER NOT NULL,
    project TEXT NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    app_id TEXT,
    run_id TEXT,
    at TEXT NOT NULL,
    change_id TEXT NOT NULL,
    slot TEXT,
    print TEXT NOT NULL,
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;
CREATE INDEX tombstones_by_owner ON tombstones (owner);
CREATE INDEX tombstones_by_change ON tombstones (change_id);

CREATE TABLE feedback (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    word TEXT NOT NULL,
    reason TEXT,
    at TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, id)
) WITHOUT ROWID;

-- What a project spent on a day (UTC).
CREATE TABLE usage (
    project TEXT NOT NULL,
    day TEXT NOT NULL,
    model_calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    embeddings INTEGER NOT NULL,
    PRIMARY KEY (project, day)
) WITHOUT ROWID;

CREATE TABLE entities (
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    owner INTEGER NOT NULL,
    project TEXT NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    app_id TEXT,
    run_id TEXT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    merged_into TEXT,
    merged_by TEXT,                        -- the change that did it
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;
CREATE INDEX entities_by_owner ON entities (owner);
CREATE INDEX entities_by_agent ON entities (project, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX entities_by_app ON entities (project, app_id) WHERE app_id IS NOT NULL;
CREATE INDEX entities_merged ON entities (partition, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX entities_merged_by ON entities (merged_by) WHERE merged_by IS NOT NULL;

CREATE TABLE names (
    owner INTEGER NOT NULL,
    key TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    text TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (owner, key, entity_id)
) WITHOUT ROWID;
CREATE INDEX names_by_entity ON names (owner, entity_id);

-- Entities lie in the partition of the memories that name them. The key is the name that was used, so
-- that all that was said under it can move to another entity.
CREATE TABLE mentions (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, entity_id, key)
) WITHOUT ROWID;
CREATE INDEX mentions_by_entity ON mentions (partition, entity_id, key);

CREATE TABLE relations (
    partition INTEGER NOT NULL,
    memory_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_key TEXT NOT NULL,
    predicate TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_key TEXT NOT NULL,
    PRIMARY KEY (partition, memory_id, subject_id, predicate, object_id)
) WITHOUT ROWID;
CREATE INDEX relations_by_subject ON relations (partition, subject_id, subject_key);
CREATE INDEX relations_by_object ON relations (partition, object_id, object_key);

-- Names that a person moved to another entity.
CREATE TABLE moves (
    partition INTEGER NOT NULL,
    change_id TEXT NOT NULL,
    key TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (partition, change_id, key, source)
) WITHOUT ROWID;
