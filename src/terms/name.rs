//! Names that agents, tools, workflows and action classes go by.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or only spaces.
    #[error("{what} needs a name")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// Over 256 bytes.
    #[error("{what} has a name of {bytes} bytes; at most 256 are taken")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// How long it was.
        bytes: usize,
    },
    /// Holds a control character.
    #[error("{what} has a control character in its name")]
    Control {
        /// Which kind of name.
        what: &'static str,
    },
}

/// The longest name taken, in bytes.
const LONGEST: usize = 256;

fn checked<'a>(what: &'static str, text: &'a str) -> Result<&'a str, NameError> {
    let text = text.trim();
    if text.is_empty() {
        Err(NameError::Empty { what })
    } else if text.len() > LONGEST {
        Err(NameError::TooLong { what, bytes: text.len() })
    } else if text.chars().any(char::is_control) {
        Err(NameError::Control { what })
    } else {
        Ok(text)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $canonical:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and canonicalises a name.
            ///
            /// # Errors
            /// When it is empty, longer than 256 bytes, or holds a control character.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let canonical: fn(&str) -> Arc<str> = $canonical;
                checked($what, text).map(|text| Self(canonical(text)))
            }

            /// The name as text; agent-written: print it through [`super::Printable`].
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 256 })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

fn folded(text: &str) -> Arc<str> {
    if text.chars().any(char::is_uppercase) { text.to_lowercase().into() } else { text.into() }
}

name!(
    /// An agent, by the id its telemetry carries; case matters.
    AgentId, "an agent", |text| text.into()
);
name!(
    /// A tool by its canonical, case-folded name (protocol 1).
    ToolName, "a tool", folded
);
name!(
    /// A workflow, as telemetry and inventories name it.
    Workflow, "a workflow", |text| text.into()
);
name!(
    /// What an action does to the world: `read`, one of the seven classes (RBK), or a team's own.
    ActionClass, "an action class", folded
);

impl ActionClass {
    /// The class of what only looks.
    pub fn read() -> Self {
        Self("read".into())
    }

    /// Whether tools of this class only look: everything else acts (protocol 3).
    pub fn only_reads(&self) -> bool {
        self.as_str() == "read"
    }

    /// Whether tools of this class speak to customers.
    pub fn speaks_to_customers(&self) -> bool {
        self.as_str() == "customer-communication"
    }

    /// Whether tools of this class make documents, for whomever.
    pub fn is_document(&self) -> bool {
        self.as_str() == "document"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_case_folded_and_agents_are_not() {
        assert_eq!(ToolName::new(" Stripe.Payout ").unwrap().as_str(), "stripe.payout");
        assert_eq!(AgentId::new("Refund-Bot").unwrap().as_str(), "Refund-Bot");
        assert!(AgentId::new("  ").is_err());
        assert!(AgentId::new("a\u{1b}[2J").is_err());
        assert!(AgentId::new(&"x".repeat(257)).is_err());
        assert!(serde_json::from_str::<AgentId>("\"a\\u0000\"").is_err());
    }
}
