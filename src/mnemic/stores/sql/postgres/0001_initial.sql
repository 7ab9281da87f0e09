-- The tables of sql/sqlite, for a database that many machines write to. What differs:
--   * every table has a column "partition", the first in its key (12 bits of a hash of the project and the owner):
--     tables can be divided by it, and nothing unique needs more than one part of them.
--   * times are text, as there: they keep the zone they were given in. Text that is compared or sorted has the collation
--     "C", by bytes, as everywhere else in Mnemic, whatever the database's own order is.
--   * rows are only seen and written by who named their project first (see the end of this file).

CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE owners (
    partition integer NOT NULL,
    number bigint NOT NULL,
    project text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    next_sequence integer NOT NULL DEFAULT 0,
    changes bigint NOT NULL DEFAULT (random() * 1e15)::bigint,
    decisions bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, number),
    UNIQUE (partition, project, kind, name)
);
CREATE INDEX owners_by_number ON owners (number);
CREATE INDEX owners_by_project ON owners (project, number);

-- Exactly one scope of an owner: of the JSON that `rows.to_json` writes, what fits in an index however long ids are.
CREATE FUNCTION conversation_of(agent_id text, app_id text, run_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN md5('[' || coalesce(to_json(agent_id)::text, 'null') || ',' || coalesce(to_json(app_id)::text, 'null')
        || ',' || coalesce(to_json(run_id)::text, 'null') || ']');

CREATE TABLE episodes (
    entry bigint NOT NULL,
    span integer NOT NULL,
    owner bigint NOT NULL,
    partition integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    app_id text COLLATE "C",
    run_id text COLLATE "C",
    role text COLLATE "C" NOT NULL,
    actor_id text COLLATE "C",
    content text NOT NULL,
    content_hash text COLLATE "C" NOT NULL,
    said_at text COLLATE "C" NOT NULL,
    received_at text COLLATE "C" NOT NULL,
    metadata text NOT NULL,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    attempts integer NOT NULL DEFAULT 0,
    external_id text COLLATE "C",
    due_at text COLLATE "C",
    leased boolean NOT NULL DEFAULT false,
    task text,
    change_id text COLLATE "C",
    seen text,
    changed_by text COLLATE "C",
    state_before text COLLATE "C",
    reason_before text COLLATE "C",
    conversation text COLLATE "C" GENERATED ALWAYS AS (conversation_of(agent_id, app_id, run_id)) STORED,
    PRIMARY KEY (partition, entry),
    UNIQUE (partition, id)
);
CREATE UNIQUE INDEX episodes_by_external_id ON episodes (partition, owner, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX episodes_by_owner ON episodes (owner, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX episodes_by_agent ON episodes (project, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX episodes_by_app ON episodes (project, app_id) WHERE app_id IS NOT NULL;
CREATE INDEX episodes_by_run ON episodes (project, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX episodes_by_project ON episodes (project, entry);
CREATE INDEX episodes_by_change ON episodes (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX episodes_changed_by ON episodes (changed_by) WHERE changed_by IS NOT NULL;
CREATE INDEX episodes_by_arrival ON episodes (received_at) WHERE state = 'pending' AND due_at IS NULL;
CREATE INDEX episodes_by_due ON episodes (due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX episodes_by_conversation ON episodes (owner, conversation, entry) WHERE state = 'pending';
CREATE INDEX episodes_leased ON episodes (owner, conversation, due_at) WHERE leased;

CREATE TABLE memories (
    entry bigint NOT NULL,
    span integer NOT NULL,
    owner bigint NOT NULL,
    partition integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    current boolean NOT NULL,
    once text COLLATE "C",
    project text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    app_id text COLLATE "C",
    run_id text COLLATE "C",
    kind text COLLATE "C" NOT NULL,
    text text NOT NULL,
    hash text COLLATE "C" NOT NULL,
    subject text COLLATE "C",
    attribute text COLLATE "C",
    categories text NOT NULL,
    metadata text NOT NULL,
    confidence double precision NOT NULL,
    origin text COLLATE "C" NOT NULL,
    attributed_to text COLLATE "C",
    actor_id text COLLATE "C",
    role text COLLATE "C",
    valid_from text COLLATE "C",
    valid_to text COLLATE "C",
    precision text COLLATE "C",
    known_from text COLLATE "C" NOT NULL,
    known_to text COLLATE "C",
    retired_by text COLLATE "C",
    retire_reason text COLLATE "C",
    expires_at text COLLATE "C",
    pinned boolean NOT NULL,
    proof_count integer NOT NULL,
    said_at text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    object text,
    slot text COLLATE "C",
    seen text,
    rating integer NOT NULL DEFAULT 0,
    valid_before text COLLATE "C",
    superseded_by text COLLATE "C",
    superseded_to text COLLATE "C",
    superseded_until text COLLATE "C",
    PRIMARY KEY (partition, entry),
    UNIQUE (partition, id, version)
);
CREATE UNIQUE INDEX memories_current ON memories (partition, id) WHERE current;
CREATE UNIQUE INDEX memories_once ON memories (partition, owner, once) WHERE current AND once IS NOT NULL;
CREATE INDEX memories_by_once ON memories (owner, once) WHERE current AND once IS NOT NULL;
CREATE INDEX memories_by_slot ON memories (owner, slot) WHERE current AND slot IS NOT NULL;
CREATE INDEX memories_by_project ON memories (project, id) WHERE current;
CREATE INDEX memories_by_user ON memories (project, user_id, id) WHERE current AND user_id IS NOT NULL;
CREATE INDEX memories_by_agent ON memories (project, agent_id, id) WHERE current AND agent_id IS NOT NULL;
CREATE INDEX memories_by_app ON memories (project, app_id, id) WHERE current AND app_id IS NOT NULL;
CREATE INDEX memories_by_run ON memories (project, run_id, id) WHERE current AND run_id IS NOT NULL;
CREATE INDEX memories_foremost ON memories (project, user_id) WHERE current AND (subject = 'user' OR pinned);
CREATE INDEX former_by_project ON memories (project, id) WHERE NOT current;
CREATE INDEX former_by_user ON memories (project, user_id, id) WHERE NOT current AND user_id IS NOT NULL;
CREATE INDEX former_by_agent ON memories (project, agent_id, id) WHERE NOT current AND agent_id IS NOT NULL;
CREATE INDEX former_by_app ON memories (project, app_id, id) WHERE NOT current AND app_id IS NOT NULL;
CREATE INDEX former_by_run ON memories (project, run_id, id) WHERE NOT current AND run_id IS NOT NULL;
CREATE INDEX former_by_slot ON memories (owner, slot) WHERE NOT current AND slot IS NOT NULL;
CREATE INDEX memories_by_successor ON memories (retired_by) WHERE retired_by IS NOT NULL;
CREATE INDEX memories_by_former_successor ON memories (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE sources (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    episode_id text COLLATE "C" NOT NULL,
    quote text COLLATE "C" NOT NULL,
    change_id text COLLATE "C"
);
-- A quote may be longer than a key of an index.
CREATE UNIQUE INDEX sources_key ON sources (partition, memory_id, episode_id, md5(quote));
CREATE INDEX sources_by_episode ON sources (partition, episode_id);
CREATE INDEX sources_by_change ON sources (change_id) WHERE change_id IS NOT NULL;

CREATE TABLE history (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    event text COLLATE "C" NOT NULL,
    old_text text,
    new_text text,
    at text COLLATE "C" NOT NULL,
    change_id text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    reason text,
    owner bigint,
    PRIMARY KEY (partition, memory_id, id)
);
CREATE INDEX history_by_change ON history (change_id);
CREATE INDEX history_by_time ON history (owner, at, id) WHERE owner IS NOT NULL;

CREATE TABLE runs (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    place integer NOT NULL,
    PRIMARY KEY (partition, memory_id, run_id)
);
CREATE INDEX runs_by_run ON runs (project, run_id);

CREATE TABLE changes (
    partition integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    app_id text COLLATE "C",
    run_id text COLLATE "C",
    kind text COLLATE "C" NOT NULL,
    at text COLLATE "C" NOT NULL,
    undone_by text COLLATE "C",
    PRIMARY KEY (partition, id)
);

CREATE TABLE tombstones (
    partition integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    owner bigint NOT NULL,
    project text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    app_id text COLLATE "C",
    run_id text COLLATE "C",
    at text COLLATE "C" NOT NULL,
    change_id text COLLATE "C" NOT NULL,
    slot text COLLATE "C",
    print text NOT NULL,
    PRIMARY KEY (partition, id)
);
CREATE INDEX tombstones_by_owner ON tombstones (owner);
CREATE INDEX tombstones_by_change ON tombstones (change_id);

CREATE TABLE feedback (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    word text COLLATE "C" NOT NULL,
    reason text,
    at text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, memory_id, id)
);

CREATE TABLE usage (
    project text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    model_calls bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    embeddings bigint NOT NULL,
    PRIMARY KEY (project, day)
);

CREATE TABLE entities (
    partition integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    owner bigint NOT NULL,
    project text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    app_id text COLLATE "C",
    run_id text COLLATE "C",
    kind text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    merged_into text COLLATE "C",
    merged_by text COLLATE "C",
    PRIMARY KEY (partition, id)
);
CREATE INDEX entities_by_owner ON entities (owner);
CREATE INDEX entities_by_agent ON entities (project, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX entities_by_app ON entities (project, app_id) WHERE app_id IS NOT NULL;
CREATE INDEX entities_by_project ON entities (project, user_id);
-- Of all rows: one of the few that are merged would be read whole by whoever asks for one that is.
CREATE INDEX entities_merged ON entities (partition, merged_into);
CREATE INDEX entities_merged_by ON entities (merged_by) WHERE merged_by IS NOT NULL;

CREATE TABLE names (
    partition integer NOT NULL,
    owner bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    text text NOT NULL,
    at text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, owner, key, entity_id)
);
CREATE INDEX names_by_owner ON names (owner, key);
CREATE INDEX names_by_entity ON names (owner, entity_id);

CREATE TABLE mentions (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, memory_id, entity_id, key)
);
CREATE INDEX mentions_by_entity ON mentions (partition, entity_id, key);

CREATE TABLE relations (
    partition integer NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    subject_key text COLLATE "C" NOT NULL,
    predicate text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    object_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, memory_id, subject_id, predicate, object_id)
);
CREATE INDEX relations_by_subject ON relations (partition, subject_id, subject_key);
CREATE INDEX relations_by_object ON relations (partition, object_id, object_key);

CREATE TABLE moves (
    partition integer NOT NULL,
    change_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, change_id, key, source)
);

CREATE TABLE blocks (
    partition integer NOT NULL,
    block bigint NOT NULL,
    marks bytea NOT NULL,
    terms bytea NOT NULL,
    PRIMARY KEY (partition, block)
);
-- Numbers hardly shrink, and unpacking them would be paid by every search.
ALTER TABLE blocks ALTER COLUMN marks SET STORAGE EXTERNAL, ALTER COLUMN terms SET STORAGE EXTERNAL;

CREATE TABLE spaces (
    number integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    dimensions integer NOT NULL,
    active boolean NOT NULL
);

-- Lists that statements are given. They are read before a statement is planned, so that the planner knows how many
-- rows there will be: most often a few, each to be looked up by an index.

CREATE TYPE record_key AS (partition integer, id text COLLATE "C");
CREATE TYPE number_range AS (partition integer, first bigint, last bigint);

CREATE FUNCTION keys_of(listed text) RETURNS record_key[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(ROW((value ->> 0)::integer, value ->> 1)::record_key) FROM json_array_elements(listed::json) AS value
$$;

CREATE FUNCTION ranges_of(listed text) RETURNS number_range[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(ROW((value ->> 0)::integer, (value ->> 1)::bigint, (value ->> 2)::bigint)::number_range)
    FROM json_array_elements(listed::json) AS value
$$;

-- What SQLite has, or is given by Mnemic.

CREATE FUNCTION instr(value text, part text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN strpos(value, part);

-- A time as text that sorts by it, as Python writes it.
CREATE FUNCTION utc(stored text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    at timestamp;
BEGIN
    IF stored IS NULL OR right(stored, 6) = '+00:00' THEN
        RETURN stored COLLATE "C";
    END IF;
    at := stored::timestamptz AT TIME ZONE 'UTC';
    RETURN (to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS')
        || CASE WHEN to_char(at, 'US') = '000000' THEN '' ELSE '.' || to_char(at, 'US') END || '+00:00') COLLATE "C";
END $$;

-- The last day that something is shown, from the moment it no longer is.
CREATE FUNCTION last_day(expires text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_char(left(expires, 26)::timestamp - interval '1 microsecond', 'YYYY-MM-DD') COLLATE "C";

-- Small letters of every script, by the fullest table that this server has.
DO $$
DECLARE
    best text;
BEGIN
    SELECT quote_ident(collname) INTO best FROM pg_collation
    WHERE collname IN ('pg_unicode_fast', 'und-x-icu', 'pg_c_utf8')
    ORDER BY array_position(ARRAY['pg_unicode_fast', 'und-x-icu', 'pg_c_utf8'], collname::text) LIMIT 1;
    EXECUTE format(
        'CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN lower(value %s) COLLATE "C"',
        CASE WHEN best IS NULL THEN '' ELSE 'COLLATE ' || best END
    );
END $$;

-- What stands at a path of a JSON text; null where nothing does, or null.
CREATE FUNCTION json_at(stored text, path text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_path_query_first(stored::jsonb, ('strict ' || path)::jsonpath, '{}', true);

CREATE FUNCTION json_kind(found jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE jsonb_typeof(found)
        WHEN 'string' THEN 'text'
        WHEN 'number' THEN 'real'
        WHEN 'boolean' THEN CASE found::text WHEN 'true' THEN 'true' ELSE 'false' END
        ELSE jsonb_typeof(found)
    END;

CREATE FUNCTION json_type(stored text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN json_kind(json_at(stored, path));

CREATE FUNCTION json_word(stored text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (CASE WHEN jsonb_typeof(json_at(stored, path)) = 'string' THEN json_at(stored, path) #>> '{}' END) COLLATE "C";

CREATE FUNCTION json_number(stored text, path text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(json_at(stored, path)) = 'number' THEN (json_at(stored, path) #>> '{}')::numeric END;

CREATE FUNCTION json_items(stored text, path text) RETURNS TABLE (type text, word text, number numeric)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT json_kind(each), each #>> '{}' COLLATE "C",
        CASE WHEN jsonb_typeof(each) = 'number' THEN (each #>> '{}')::numeric END
    FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(json_at(stored, path)) = 'array' THEN json_at(stored, path) ELSE '[]'::jsonb END
    ) AS each
$$;

-- The second wall. A transaction names its project, and sees and writes no other's rows, whatever its statements say;
-- one that names none sees none. "*" stands for all: workers and upkeep look after every project.

CREATE FUNCTION wall(name text, condition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY project ON %I USING (%s)', name, condition);
END $$;

-- Of a table without a project: by the owner it belongs to, whom the wall of "owners" shows or hides. A query that
-- gives a value is made once a row, by its index; EXISTS might be turned into one that reads all owners first.
CREATE FUNCTION wall_by_owner(name text, owner text) RETURNS void LANGUAGE sql AS $$
    SELECT wall(name, format(
        $open$(SELECT current_setting('mnemic.project', true)) = '*'
            OR (SELECT true FROM owners AS o WHERE o.partition = %I.partition AND o.number = %s LIMIT 1)$open$,
        name, owner
    ))
$$;

SELECT wall(name, $open$(SELECT current_setting('mnemic.project', true)) IN (project, '*')$open$)
FROM unnest(ARRAY['owners', 'episodes', 'memories', 'runs', 'changes', 'tombstones', 'usage', 'entities']) AS name;
SELECT wall_by_owner('blocks', 'block >> 18');
SELECT wall_by_owner('names', 'owner');
SELECT wall(name, format(
    $open$(SELECT current_setting('mnemic.project', true)) = '*' OR (
        SELECT true FROM memories AS m WHERE m.partition = %1$I.partition AND m.id = %1$I.memory_id LIMIT 1
    )$open$,
    name
))
FROM unnest(ARRAY['sources', 'history', 'feedback', 'mentions', 'relations']) AS name;
SELECT wall('moves', $open$(SELECT current_setting('mnemic.project', true)) = '*' OR (
    SELECT true FROM changes AS c WHERE c.partition = moves.partition AND c.id = moves.change_id LIMIT 1
)$open$);

-- The server samples columns for its planner, and keeps samples where erasing a row does not reach them. No statement
-- is planned by words that somebody said.
DO $$
DECLARE
    name text;
    said text;
BEGIN
    FOR name, said IN
        SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attname = ANY (ARRAY[
            'content', 'metadata', 'task', 'seen', 'text', 'subject', 'attribute', 'categories', 'object', 'slot',
            'once', 'quote', 'old_text', 'new_text', 'reason', 'reason_before', 'print', 'name', 'key', 'subject_key',
            'predicate', 'object_key', 'terms', 'marks'
        ])
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', name, said);
    END LOOP;
END $$;
