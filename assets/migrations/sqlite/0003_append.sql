-- A batch of events and commands in one statement, which is a transaction of its own: a row is either. Nothing is read here.
CREATE VIEW appends (
    position, epoch, stream, seq, id, type, recorded_at, occurred_at, author, drill, data, data_hash, prev, hash,
    asker, asked_id, body_hash, first_position, last_position, state_version
) AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL WHERE false;

CREATE TRIGGER an_event_is_appended INSTEAD OF INSERT ON appends WHEN NEW.position IS NOT NULL BEGIN
    INSERT INTO events VALUES (
        NEW.position, NEW.epoch, NEW.stream, NEW.seq, NEW.id, NEW.type, NEW.recorded_at, NEW.occurred_at, NEW.author,
        NEW.drill, NEW.data, NEW.data_hash, NEW.prev, NEW.hash
    );
END;
CREATE TRIGGER a_command_is_remembered INSTEAD OF INSERT ON appends WHEN NEW.asker IS NOT NULL BEGIN
    INSERT INTO commands VALUES (
        NEW.asker, NEW.asked_id, NEW.body_hash, NEW.first_position, NEW.last_position, NEW.state_version
    );
END;
