//! What a page says: a firing of the real world, in a line and in fields.

use serde_json::{Value, json};

use crate::{
    incident::Worlds,
    runbook::PageStep,
    terms::{FiringId, IncidentId, Printable, Time},
    tripwire::{Firing, Tripwire},
};

/// A page.
pub struct Page {
    /// Of which firing.
    pub firing: FiringId,
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// Whom.
    pub to: Option<String>,
    /// In a line, printable.
    pub summary: String,
    /// More about it, printable.
    pub detail: String,
    /// How bad, in the words of pagers.
    pub severity: &'static str,
    /// The agent, printable.
    pub agent: String,
    at: Time,
}

impl Page {
    /// Of a firing of the real world's log.
    pub fn of(firing: &Firing, step: &PageStep, worlds: &Worlds) -> Self {
        let key = &firing.key;
        let incident = firing.incident.and_then(|id| worlds.real.incidents.get(&id));
        let severity = incident.map(|incident| format!(" {} {}", incident.id, incident.severity)).unwrap_or_default();
        // What agents wrote reaches no pager raw, and no line of it pretends to be another.
        let line = |text: &str| Printable::line(text).cut(300).to_string();
        Self {
            firing: firing.id,
            incident: firing.incident,
            to: step.to.clone(),
            summary: line(&format!("{} {} {} {}{severity}", firing.id, key.tripwire, key.agent, key.detail)),
            detail: line(firing.note.as_deref().unwrap_or_default()),
            severity: if key.tripwire == Tripwire::Breach { "critical" } else { "error" },
            agent: line(key.agent.as_str()),
            at: firing.at,
        }
    }

    /// One message, however often it is tried.
    pub fn id(&self) -> String {
        format!("{}.page", self.firing)
    }

    /// The key by which a pager knows that it is the same trouble: the incident's, where there is one.
    fn same(&self) -> String {
        self.incident.map_or_else(|| format!("andon-{}", self.firing), |incident| format!("andon-{incident}"))
    }

    /// As Standard Webhooks has it.
    pub fn webhook(&self) -> Value {
        json!({
            "type": "dev.andon.firing.paged",
            "timestamp": self.at,
            "data": {
                "firing": self.firing, "incident": self.incident, "agent": self.agent, "to": self.to,
                "summary": self.summary, "detail": self.detail, "severity": self.severity,
            },
        })
    }

    /// As PagerDuty's Events API v2 has it.
    pub fn pagerduty(&self, routing_key: &str) -> Value {
        json!({
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": self.same(),
            "client": "andon",
            "payload": {
                "summary": self.summary.chars().take(1_024).collect::<String>(),
                "source": self.agent,
                "severity": self.severity,
                "timestamp": self.at,
                "custom_details": { "firing": self.firing, "incident": self.incident, "note": self.detail },
            },
        })
    }

    /// As a chat's incoming webhook has it: plain text only, in which nothing is a mention or a link.
    pub fn slack(&self) -> Value {
        let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let section = |text: &str| json!({ "type": "section", "text": { "type": "plain_text", "text": text } });
        let mut blocks = vec![section(&self.summary)];
        if !self.detail.is_empty() {
            blocks.push(section(&self.detail));
        }
        blocks.push(section(&format!("Acknowledge it with `andon ack {}`.", self.firing)));
        json!({ "text": plain(&self.summary), "blocks": blocks })
    }

    /// As mail and programs have it.
    pub fn text(&self) -> String {
        let incident = self.incident.map(|incident| format!("Incident: {incident}\n")).unwrap_or_default();
        let detail = if self.detail.is_empty() { String::new() } else { format!("{}\n", self.detail) };
        format!(
            "{}\n{detail}{incident}\nAcknowledge it with `andon ack {}`, or in the cockpit.\n",
            self.summary, self.firing
        )
    }
}
