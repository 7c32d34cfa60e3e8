-- Telemetry that several nodes share over a broker: who judges, which partition of agents is whose, and how far its engine
-- got. Nothing here is a fact: what tripwires saw stands in the log.
CREATE UNLOGGED TABLE judges (
    node    UUID PRIMARY KEY,
    seen_at TIMESTAMPTZ NOT NULL
);

-- A lease, by this database's clock. The epoch rises with each owner: what an earlier one still writes is refused.
CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    node      UUID NOT NULL,
    epoch     BIGINT NOT NULL,
    until     TIMESTAMPTZ NOT NULL
);

-- Every stream that was ever read, in order: one that is made anew counts from 1 again.
CREATE TABLE streams (
    ordinal INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made    TEXT NOT NULL UNIQUE
);

-- A partition's engine after the action `seq` of a stream, which the broker took at `published_at`.
CREATE TABLE checkpoints (
    partition    INTEGER PRIMARY KEY,
    epoch        BIGINT NOT NULL,
    stream       INTEGER NOT NULL,
    seq          BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    state        BYTEA NOT NULL
);
