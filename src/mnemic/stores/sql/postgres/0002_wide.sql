-- What a search of a whole project is helped by: copies of its vectors in an index of neighbours (`postgres_wide`). It is
-- made only where such a search was made, and rows come to it behind the writes. What is erased leaves it in the same
-- transaction, by triggers, so that code which knows nothing of it leaves nothing in it either.

-- Projects that were searched as a whole, by embedding space.
CREATE TABLE wide (
    project text COLLATE "C" NOT NULL,
    space integer NOT NULL,
    number integer GENERATED ALWAYS AS IDENTITY,
    centres bytea NOT NULL,
    ready boolean NOT NULL DEFAULT false,
    erased boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project, space)
);

-- Up to which sequence an owner's vectors were copied.
CREATE TABLE widened (
    partition integer NOT NULL,
    owner bigint NOT NULL,
    space integer NOT NULL,
    project text COLLATE "C" NOT NULL,
    upto integer NOT NULL,
    PRIMARY KEY (partition, owner, space)
);
CREATE INDEX widened_by_project ON widened (project, space);

SELECT wall(name, $open$(SELECT current_setting('mnemic.project', true)) IN (project, '*')$open$)
FROM unnest(ARRAY['wide', 'widened']) AS name;

ALTER TABLE wide ALTER COLUMN centres SET STATISTICS 0;

-- The copies of a space, behind the wall. Rows that leave the space's own table leave it, too.
CREATE FUNCTION make_near(space integer, dimensions integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE near_%s (partition integer NOT NULL, entry bigint NOT NULL, project text COLLATE "C" NOT NULL,
            vector halfvec(%s) NOT NULL, PRIMARY KEY (partition, entry))', space, dimensions
    );
    EXECUTE format('ALTER TABLE near_%s ALTER COLUMN vector SET STATISTICS 0', space);
    PERFORM wall('near_' || space, $open$(SELECT current_setting('mnemic.project', true)) IN (project, '*')$open$);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER near AFTER DELETE ON exact_%1$s REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION leave_near(%1$s)', space
    );
END $$;

CREATE FUNCTION leave_near() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    near text := 'near_' || TG_ARGV[0];
    left_it bigint;
BEGIN
    IF to_regclass(near) IS NOT NULL THEN
        EXECUTE format(
            'DELETE FROM %I AS n USING gone WHERE n.partition = gone.partition AND n.entry = gone.entry', near
        );
        GET DIAGNOSTICS left_it = ROW_COUNT;
        IF left_it > 0 THEN
            UPDATE wide SET erased = true WHERE space = TG_ARGV[0]::integer AND NOT erased;
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION owner_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM widened WHERE partition = OLD.partition AND owner = OLD.number;
    IF NOT EXISTS (SELECT FROM owners WHERE project = OLD.project AND number <> OLD.number) THEN
        DELETE FROM wide WHERE project = OLD.project;
    END IF;
    RETURN OLD;
END $$;
-- Before: the wall shows rows of a project's owners.
CREATE TRIGGER wide BEFORE DELETE ON owners FOR EACH ROW EXECUTE FUNCTION owner_left();

CREATE FUNCTION space_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('near_' || OLD.number) IS NOT NULL THEN
        EXECUTE format('DROP TABLE near_%s', OLD.number);
    END IF;
    DELETE FROM widened WHERE space = OLD.number;
    DELETE FROM wide WHERE space = OLD.number;
    RETURN NULL;
END $$;
CREATE TRIGGER wide AFTER DELETE ON spaces FOR EACH ROW EXECUTE FUNCTION space_left();
