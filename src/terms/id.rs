//! Short ids, said aloud on a bridge: `INC-7`, `SW-12`, `TW-90` (protocol 6).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An id that does not read as its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not an id like {prefix}-7")]
pub struct IdError {
    given: String,
    prefix: &'static str,
}

macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The letters before the number.
            pub const PREFIX: &'static str = $prefix;

            /// The id that follows this one.
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!("{}-{}", Self::PREFIX, self.0))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts `INC-7`, `inc-7`, `inc7` and `7`: people type these in a hurry.
            fn from_str(given: &str) -> Result<Self, IdError> {
                let wrong = || IdError { given: given.chars().take(40).collect(), prefix: Self::PREFIX };
                let digits = match given.get(..Self::PREFIX.len()) {
                    Some(head) if head.eq_ignore_ascii_case(Self::PREFIX) => {
                        let tail = &given[Self::PREFIX.len()..];
                        tail.strip_prefix('-').unwrap_or(tail)
                    }
                    _ => given,
                };
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(wrong());
                }
                match digits.parse() {
                    Ok(number) if number > 0 => Ok(Self(number)),
                    _ => Err(wrong()),
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": concat!("^", $prefix, "-[1-9][0-9]*$") })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

short_id!(
    /// One incident, real or in a drill's own world.
    IncidentId, "INC"
);
short_id!(
    /// One engaged (or released) containment switch.
    SwitchId, "SW"
);
short_id!(
    /// One tripwire firing.
    FiringId, "TW"
);
short_id!(
    /// One call that waits for a person.
    HoldId, "HOLD"
);
short_id!(
    /// One communication draft; numbered within its incident.
    DraftId, "DRAFT"
);
short_id!(
    /// One rollback checklist; numbered within its incident.
    ChecklistId, "RB"
);
short_id!(
    /// One freeze of evidence; numbered within its incident.
    FreezeId, "FRZ"
);
short_id!(
    /// One row of the register of what is affected; numbered within its incident.
    AffectedId, "AFF"
);
short_id!(
    /// One task; numbered within its incident.
    TaskId, "TASK"
);
short_id!(
    /// One take of a drill: a world of its own (law 8).
    DrillId, "DRILL"
);
short_id!(
    /// One report on the runbook (GOV.6).
    FaultId, "FAULT"
);
short_id!(
    /// One bearer token (only its hash is kept).
    TokenId, "TOK"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_as_people_type_them() {
        for text in ["INC-7", "inc-7", "inc7", "7"] {
            assert_eq!(text.parse::<IncidentId>(), Ok(IncidentId(7)), "{text}");
        }
        for text in ["", "INC-", "INC-0", "SW-7", "INC--7", "7x", "99999999999", "é"] {
            assert!(text.parse::<IncidentId>().is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&SwitchId(12)).unwrap(), "\"SW-12\"");
    }
}
