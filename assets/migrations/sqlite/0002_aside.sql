-- What is kept beside the log and is no fact: how far a hook is, the key of links.
CREATE TABLE aside (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
