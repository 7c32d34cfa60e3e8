-- The log: append-only streams, hash-chained (law 1), and the commands that made them (law 2); shared by several nodes.
CREATE TABLE events (
    position    BIGINT  PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    stream      TEXT    NOT NULL,
    seq         BIGINT  NOT NULL,
    id          UUID    NOT NULL UNIQUE,
    type        TEXT    NOT NULL,
    recorded_at BIGINT  NOT NULL,
    occurred_at BIGINT  NOT NULL,
    author      TEXT    NOT NULL,
    drill       BOOLEAN NOT NULL,
    data        TEXT    NOT NULL,
    data_hash   TEXT    NOT NULL,
    prev        TEXT    NOT NULL,
    hash        TEXT    NOT NULL,
    UNIQUE (stream, seq)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never edited or deleted';
END $$;
CREATE TRIGGER events_are_never_edited BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One row a command: asked again with the same body it answers the events it made first.
CREATE TABLE commands (
    author         TEXT   NOT NULL,
    id             UUID   NOT NULL,
    body_hash      TEXT   NOT NULL,
    first_position BIGINT NOT NULL,
    last_position  BIGINT NOT NULL,
    state_version  BIGINT NOT NULL,
    PRIMARY KEY (author, id)
);

CREATE TABLE epochs (
    epoch    INTEGER PRIMARY KEY,
    began_at BIGINT  NOT NULL
);

-- Appends a batch that was decided when the log ended at `expected`, or nothing where another node was faster. One lock
-- makes commits as ordered as positions, so that no reader ever skips one (law 3). Answers where the log ends.
CREATE FUNCTION append_batch(expected BIGINT, new_events JSON, new_commands JSON) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    newest BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock('events'::regclass::oid::bigint);
    SELECT coalesce(max(position), 0) INTO newest FROM events;
    IF newest <> expected THEN
        RETURN newest;
    END IF;
    INSERT INTO commands (author, id, body_hash, first_position, last_position, state_version)
        SELECT value->>0, (value->>1)::uuid, value->>2, (value->>3)::bigint, (value->>4)::bigint, (value->>5)::bigint
        FROM json_array_elements(new_commands);
    INSERT INTO events (position, epoch, stream, seq, id, type, recorded_at, occurred_at, author, drill, data, data_hash, prev, hash)
        SELECT (value->>0)::bigint, (value->>1)::integer, value->>2, (value->>3)::bigint, (value->>4)::uuid, value->>5,
               (value->>6)::bigint, (value->>7)::bigint, value->>8, (value->>9) = '1', value->>10, value->>11, value->>12, value->>13
        FROM json_array_elements(new_events);
    PERFORM pg_notify('andon_log_' || current_schema(), '');
    RETURN expected;
END $$;

-- The backends that serve this log, and what each has heard of agents lately; nothing here outlives a crash.
CREATE UNLOGGED TABLE nodes (
    id       UUID PRIMARY KEY,
    name     TEXT NOT NULL,
    seen_at  TIMESTAMPTZ NOT NULL,
    sighting TEXT NOT NULL
);

-- Which of them does what only one may do.
CREATE UNLOGGED TABLE leader (
    one   BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
    node  UUID NOT NULL,
    until TIMESTAMPTZ NOT NULL
);
