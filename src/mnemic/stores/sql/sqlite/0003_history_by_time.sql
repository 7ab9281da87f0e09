-- The past: what changed since, what was known then, which values a slot had.

-- Whose memory it was, so that what changed since is one range.
ALTER TABLE history ADD COLUMN owner INTEGER;
UPDATE history SET owner = (
    SELECT m.owner FROM memories AS m WHERE m.partition = history.partition AND m.id = history.memory_id LIMIT 1
);
CREATE INDEX history_by_time ON history (owner, at, id) WHERE owner IS NOT NULL;

-- How a version had been superseded before it came back, or was deleted: by what, the valid_to it had in that
-- while, and the while's end.
ALTER TABLE memories ADD COLUMN superseded_by TEXT;
ALTER TABLE memories ADD COLUMN superseded_to TEXT;
ALTER TABLE memories ADD COLUMN superseded_until TEXT;
CREATE INDEX memories_by_successor ON memories (retired_by) WHERE retired_by IS NOT NULL;
CREATE INDEX memories_by_former_successor ON memories (superseded_by) WHERE superseded_by IS NOT NULL;

-- Versions that are not current, found as current ones are. Superseded ones are among them.
CREATE INDEX former_by_project ON memories (project, id) WHERE NOT current;
CREATE INDEX former_by_user ON memories (project, user_id, id) WHERE NOT current AND user_id IS NOT NULL;
CREATE INDEX former_by_agent ON memories (project, agent_id, id) WHERE NOT current AND agent_id IS NOT NULL;
CREATE INDEX former_by_app ON memories (project, app_id, id) WHERE NOT current AND app_id IS NOT NULL;
CREATE INDEX former_by_run ON memories (project, run_id, id) WHERE NOT current AND run_id IS NOT NULL;
CREATE INDEX former_by_slot ON memories (owner, slot) WHERE NOT current AND slot IS NOT NULL;
DROP INDEX superseded_by_project;
DROP INDEX superseded_by_user;
DROP INDEX superseded_by_agent;
DROP INDEX superseded_by_app;
DROP INDEX superseded_by_run;
