//! A message on its way: of the real world's log, and of nothing else (law 8).

use serde_json::{Value, json};

use crate::{
    incident::{Incident, Sent, Worlds, communication::Promise},
    runbook::ChannelKind,
    terms::{DraftId, IncidentId, Time},
};

/// Which message: incident, draft, its number among the draft's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Of which incident.
    pub incident: IncidentId,
    /// Of which draft.
    pub draft: DraftId,
    /// Its number.
    pub number: u32,
}

/// One message, as it must go out.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Which.
    pub key: Key,
    /// By which channel.
    pub channel: String,
    /// How that sends.
    pub kind: ChannelKind,
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Exactly what.
    pub text: String,
    /// Tries that were begun already.
    pub tries: usize,
    /// When it was asked for.
    pub asked_at: Time,
    audience: String,
    severity: String,
    promise: Option<Promise>,
}

impl Letter {
    /// A message of the real world that is still to go out; none where nothing more is to come of it.
    pub fn real(worlds: &Worlds, key: Key) -> Option<Self> {
        let incident = worlds.real.incidents.get(&key.incident)?;
        let draft = incident.drafts.iter().find(|draft| draft.id == key.draft)?;
        let sent = draft.sent.iter().find(|sent| sent.number == key.number)?;
        Self::of(incident, key, &draft.audience, sent)
    }

    fn of(incident: &Incident, key: Key, audience: &str, sent: &Sent) -> Option<Self> {
        let delivery = sent.delivery.as_ref().filter(|delivery| delivery.state.is_open())?;
        Some(Self {
            key,
            channel: sent.channel.clone(),
            kind: delivery.kind,
            to: sent.to.clone(),
            subject: delivery.subject.clone(),
            text: sent.text.clone(),
            tries: delivery.tries(),
            asked_at: sent.at,
            audience: audience.to_owned(),
            severity: incident.severity.clone(),
            promise: sent.promise,
        })
    }

    /// The same for every try, over restarts too.
    pub fn id(&self) -> String {
        let Key { incident, draft, number } = self.key;
        format!("{incident}.{draft}.{number}.{}", self.asked_at.millis())
    }

    /// What a command finds in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let named = [
            ("ANDON_INCIDENT", self.key.incident.to_string()),
            ("ANDON_DRAFT", self.key.draft.to_string()),
            ("ANDON_AUDIENCE", self.audience.clone()),
            ("ANDON_TO", self.to.clone()),
            ("ANDON_SUBJECT", self.subject.clone()),
            ("ANDON_CHANNEL", self.channel.clone()),
            ("ANDON_KEY", self.id()),
        ];
        // A NUL would cut the value short.
        named.into_iter().map(|(name, value)| (name, value.replace('\0', " "))).collect()
    }

    /// What a webhook is sent.
    pub fn body(&self, now: Time) -> Value {
        json!({
            "type": "dev.andon.draft.sent",
            "timestamp": now,
            "data": {
                "incident": self.key.incident,
                "draft": self.key.draft,
                "number": self.key.number,
                "audience": self.audience,
                "severity": self.severity,
                "to": self.to,
                "subject": self.subject,
                "text": self.text,
                "next_update": self.promise.and_then(Promise::due),
                "last": self.promise == Some(Promise::Last),
            },
        })
    }
}
