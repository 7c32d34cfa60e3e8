//! A drill's own ids: the same seed, the same ids (protocol 6).

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::{incident::Stream, terms::Time};

/// The id of the event that a drill of this seed holds as the `seq`th of a stream, a UUID of version 7: its moment, and what
/// follows from the seed.
pub fn event_id(seed: u64, stream: &Stream, seq: u64, at: Time) -> Uuid {
    let digest = Sha256::digest(format!("{seed:x}/{stream}/{seq}"));
    let mut rest = [0; 10];
    rest.copy_from_slice(&digest[..10]);
    Builder::from_unix_timestamp_millis(u64::try_from(at.millis()).unwrap_or_default(), &rest).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::Topic,
        terms::{DrillId, IncidentId},
    };

    /// DRL.1: the same seed, the same id; another seed, stream, number or moment, another one.
    #[test]
    fn an_id_follows_from_the_seed() {
        let stream = |incident| Stream::new(Some(DrillId(1)), Topic::Incident(IncidentId(incident)));
        let (one, at) = (stream(1), Time::from_millis(1_800_000_000_000));
        let id = event_id(7, &one, 3, at);
        assert_eq!((id, id.get_version_num()), (event_id(7, &one, 3, at), 7));
        for other in [
            event_id(8, &one, 3, at),
            event_id(7, &stream(2), 3, at),
            event_id(7, &one, 4, at),
            event_id(7, &one, 3, at.plus(1)),
        ] {
            assert_ne!(id, other);
        }
    }
}
