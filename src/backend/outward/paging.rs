//! What a page says: a firing or an incident of the real world, in a line and in fields.

use serde_json::{Value, json};

use super::{
    follow::Due,
    subject::{Found, Subject},
};
use crate::{
    incident::{
        Incident, World,
        pages::{Occasion, Round, Word},
    },
    terms::{FiringId, IncidentId, Printable, Time},
    tripwire::{Firing, Tripwire},
};

/// A page.
pub struct Page {
    /// What about.
    pub subject: Subject,
    /// Of which firing.
    pub firing: Option<FiringId>,
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// The key by which a pager knows that it is the same trouble.
    pub key: String,
    /// Whom.
    pub to: Option<String>,
    /// Where they acknowledge it without a login.
    pub link: Option<String>,
    /// In a line, printable.
    pub summary: String,
    /// More about it, printable.
    pub detail: String,
    /// How bad, in the words of pagers.
    pub severity: &'static str,
    /// The agent, or the workflow; printable.
    pub source: String,
    /// Since when.
    pub at: Time,
}

/// A line as a chat has it: no mention, no link.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A block of plain text.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "plain_text", "text": text } })
}

/// What agents wrote reaches no pager raw, and no line of it pretends to be another.
fn line(text: &str) -> String {
    Printable::line(text).cut(300).to_string()
}

impl Page {
    /// Of the real world's log; none where it is not in it.
    pub fn of(subject: Subject, to: Option<String>, real: &World) -> Option<Self> {
        let page = match subject.find(real)? {
            Found::Firing(firing, incident) => Self::of_firing(subject, firing, incident),
            Found::Round(incident, round) => Self::of_round(subject, incident, round),
        };
        Some(Self { to, ..page })
    }

    fn of_firing(subject: Subject, firing: &Firing, incident: Option<&Incident>) -> Self {
        let key = &firing.key;
        let severity = incident.map(|incident| format!(" {} {}", incident.id, incident.severity)).unwrap_or_default();
        Self {
            subject,
            firing: Some(firing.id),
            incident: firing.incident,
            // The incident's, where there is one: its firings are one trouble.
            key: incident.map_or_else(|| format!("andon-{}", firing.id), |incident| format!("andon-{}", incident.id)),
            to: None,
            link: None,
            summary: line(&format!("{} {} {} {}{severity}", firing.id, key.tripwire, key.agent, key.detail)),
            detail: line(firing.note.as_deref().unwrap_or_default()),
            severity: if key.tripwire == Tripwire::Breach { "critical" } else { "error" },
            source: line(key.agent.as_str()),
            at: firing.at,
        }
    }

    fn of_round(subject: Subject, incident: &Incident, round: &Round) -> Self {
        let begun = &round.begun;
        let source = incident.agents.first().map(ToString::to_string).or_else(|| incident.workflow.clone());
        // Who carries the pager is not by that among those who see it (TEAM.9).
        let title = if incident.restricted.is_some() { "restricted: named people see it" } else { &incident.title };
        let unconfirmed = if incident.confirmed { "" } else { ", to be confirmed" };
        Self {
            subject,
            firing: None,
            incident: Some(incident.id),
            // A pager keeps quiet over what is acknowledged: what got worse is another trouble to it.
            key: match begun.occasion {
                Occasion::Declared => format!("andon-{}", incident.id),
                Occasion::Raised => format!("andon-{}-{}", incident.id, begun.round),
            },
            to: None,
            link: None,
            summary: line(&format!("{} {}: {title}", incident.id, begun.severity)),
            detail: line(&format!("{} {} by {}{unconfirmed}", begun.occasion, begun.severity, round.by)),
            severity: "critical",
            source: line(source.as_deref().unwrap_or("andon")),
            at: round.at,
        }
    }

    /// One message, however often it is tried.
    pub fn id(&self) -> String {
        format!("{}.page", self.subject)
    }

    /// What somebody types to acknowledge it.
    pub fn instead(&self) -> String {
        let about = self.firing.map(|firing| firing.to_string());
        let about = about.or_else(|| self.incident.map(|incident| incident.to_string())).unwrap_or_default();
        format!("andon ack {about}")
    }

    /// As Standard Webhooks has it.
    pub fn webhook(&self) -> Value {
        let kind = if self.firing.is_some() { "firing" } else { "incident" };
        json!({
            "type": format!("dev.andon.{kind}.paged"),
            "timestamp": self.at,
            "data": {
                "firing": self.firing, "incident": self.incident, "agent": self.source, "to": self.to,
                "summary": self.summary, "detail": self.detail, "severity": self.severity, "key": self.key, "ack_url": self.link,
            },
        })
    }

    /// As PagerDuty's Events API v2 has it.
    pub fn pagerduty(&self, routing_key: &str) -> Value {
        let links = self.link.iter().map(|link| json!({ "href": link, "text": "Acknowledge in andon" }));
        let links: Vec<Value> = links.collect();
        json!({
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": self.key,
            "client": "andon",
            "links": links,
            "payload": {
                "summary": self.summary.chars().take(1_024).collect::<String>(),
                "source": self.source,
                "severity": self.severity,
                "timestamp": self.at,
                "custom_details": { "firing": self.firing, "incident": self.incident, "note": self.detail },
            },
        })
    }

    /// As a chat's incoming webhook has it: plain text only, in which nothing is a mention or a link.
    pub fn slack(&self) -> Value {
        let mut blocks = vec![section(&self.summary)];
        if !self.detail.is_empty() {
            blocks.push(section(&self.detail));
        }
        blocks.push(section(&format!("Acknowledge it with `{}`.", self.instead())));
        if let Some(link) = &self.link {
            // Ours, and escaped as a URL is: no other text is markup.
            let text = format!("<{}|Acknowledge>", plain(link));
            blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } }));
        }
        json!({ "text": plain(&self.summary), "blocks": blocks })
    }

    /// As mail and programs have it.
    pub fn text(&self) -> String {
        let incident = self.incident.map(|incident| format!("Incident: {incident}\n")).unwrap_or_default();
        let link = self.link.as_ref().map(|link| format!("Acknowledge it here, within a day:\n{link}\n\n"));
        let link = link.unwrap_or_default();
        let detail = if self.detail.is_empty() { String::new() } else { format!("{}\n", self.detail) };
        format!(
            "{}\n{detail}{incident}\n{link}Acknowledge it with `{}`, or in the cockpit.\n",
            self.summary,
            self.instead()
        )
    }
}

/// A word to a pager that took a page.
pub struct Told<'d> {
    /// The page, under the key it went by.
    pub page: Page,
    /// What is said of it.
    pub due: &'d Due,
}

impl Told<'_> {
    /// One message, however often it is tried.
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.page.id(), self.due.step, self.due.word)
    }

    /// In a line, printable.
    pub fn line(&self) -> String {
        line(&self.due.says)
    }

    /// As Standard Webhooks has it.
    pub fn webhook(&self, now: Time) -> Value {
        let page = &self.page;
        json!({
            "type": format!("dev.andon.page.{}", self.due.word),
            "timestamp": now,
            "data": {
                "firing": page.firing, "incident": page.incident, "key": page.key, "to": page.to,
                "summary": self.line(),
            },
        })
    }

    /// As PagerDuty's Events API v2 has it: only the key counts.
    pub fn pagerduty(&self, routing_key: &str) -> Value {
        let action = match self.due.word {
            Word::Acknowledged => "acknowledge",
            Word::Ended => "resolve",
        };
        json!({ "routing_key": routing_key, "event_action": action, "dedup_key": self.page.key })
    }

    /// As a chat's incoming webhook has it.
    pub fn slack(&self) -> Value {
        let line = self.line();
        json!({ "text": plain(&line), "blocks": [section(&line)] })
    }

    /// As mail has it.
    pub fn text(&self) -> String {
        format!("{}.\n\nYou were paged for it: {}\n", self.line(), self.page.summary)
    }
}
