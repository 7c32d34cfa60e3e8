-- What is kept beside the log and is no fact: how far a hook is, the key of links. Every node reads the same.
CREATE TABLE aside (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
