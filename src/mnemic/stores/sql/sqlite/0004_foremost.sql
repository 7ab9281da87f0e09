-- What is about the user or pinned, found without reading all that a scope holds: every context block asks for it.
CREATE INDEX memories_foremost ON memories (project, user_id) WHERE current AND (subject = 'user' OR pinned);
