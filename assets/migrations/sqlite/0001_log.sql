-- The log: append-only streams, hash-chained (law 1), and the commands that made them (law 2).
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    stream      TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    id          TEXT    NOT NULL UNIQUE,
    type        TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    author      TEXT    NOT NULL,
    drill       INTEGER NOT NULL,
    data        TEXT    NOT NULL,
    data_hash   TEXT    NOT NULL,
    prev        TEXT    NOT NULL,
    hash        TEXT    NOT NULL,
    UNIQUE (stream, seq)
) STRICT;

CREATE TRIGGER events_are_never_edited BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events are never edited');
END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

-- One row a command: asked again with the same body it answers the events it made first.
CREATE TABLE commands (
    author         TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    body_hash      TEXT    NOT NULL,
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    state_version  INTEGER NOT NULL,
    PRIMARY KEY (author, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    epoch    INTEGER PRIMARY KEY,
    began_at INTEGER NOT NULL
) STRICT;
