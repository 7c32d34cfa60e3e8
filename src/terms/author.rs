//! Who did something: a person, an agent, an automation, or andon itself.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The author of an event, written as one word: `dana`, `agent:refund-bot`, `automation:ci`, `andon:tripwires`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// A person, by login name.
    Person(String),
    /// An agent's own identity: it reports and checks, nothing else (law 11).
    Agent(String),
    /// A script or system with a token of its own.
    Automation(String),
    /// The backend acting on a rule: the word names which part of it.
    Andon(String),
    /// Whoever held a link that was sent to somebody paged: the word says to whom. It acknowledges that page, and no more.
    Link(String),
}

impl Author {
    /// Whether this author can count as one of two persons (RST.4).
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Person(_))
    }

    /// Whether this author's word answers a page.
    pub fn answers(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Link(_))
    }

    /// Who it is, in a sentence: “acknowledged by …”.
    pub fn words(&self) -> String {
        match self {
            Self::Link(to) => format!("the link sent to {to}"),
            _ => self.to_string(),
        }
    }

    /// What opened an incident that waits for a person to confirm it.
    pub fn opener(&self) -> &'static str {
        match self {
            Self::Andon(_) => "a tripwire",
            Self::Automation(_) => "an alert",
            Self::Person(_) | Self::Agent(_) | Self::Link(_) => "a report",
        }
    }

    /// The bare name, without its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) | Self::Agent(name) | Self::Automation(name) | Self::Andon(name) | Self::Link(name) => {
                name
            }
        }
    }
}

impl schemars::JsonSchema for Author {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Author".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.pad(name),
            Self::Agent(name) => f.pad(&format!("agent:{name}")),
            Self::Automation(name) => f.pad(&format!("automation:{name}")),
            Self::Andon(name) => f.pad(&format!("andon:{name}")),
            Self::Link(name) => f.pad(&format!("link:{name}")),
        }
    }
}

impl FromStr for Author {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some(("agent", name)) => Self::Agent(name.into()),
            Some(("automation", name)) => Self::Automation(name.into()),
            Some(("andon", name)) => Self::Andon(name.into()),
            Some(("link", name)) => Self::Link(name.into()),
            _ => Self::Person(text.into()),
        })
    }
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
