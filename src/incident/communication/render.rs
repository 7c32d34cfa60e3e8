//! The message as it would be sent: a template over the incident and its six fields (COM.2).

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};

use super::{Subject, is_last, known::minute};
use crate::{
    incident::{Fields, clocks},
    runbook::Template,
};

/// What a template may name; `fields` has every field.
pub const VARIABLES: [&str; 23] = [
    "id",
    "title",
    "severity",
    "status",
    "drill",
    "declared_at",
    "harm_at",
    "contained_at",
    "agents",
    "switches",
    "affected",
    "register",
    "decision",
    "rollback",
    "actions",
    "systems",
    "restart",
    "roles",
    "clocks",
    "reason",
    "threshold",
    "last",
    "fields",
];

/// A message as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its subject, in a line.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// Renders a draft.
///
/// # Errors
/// What the template engine says of a template that does not fit.
pub fn render(subject: &Subject<'_>, template: &Template, fields: &Fields) -> Result<Message, String> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|error| error.to_string())?,
    );
    let values = values(subject, template, fields);
    let text = engine.render_str(&template.body, &values).map_err(|error| error.to_string())?;
    let source = if template.subject.is_empty() { "{{ title }}" } else { &template.subject };
    let line = engine.render_str(source, &values).map_err(|error| error.to_string())?;
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    // DRL.1: what leaves a drill says so in its first line.
    Ok(if subject.incident.drill {
        Message { subject: format!("DRILL {line}"), text: format!("DRILL — nothing here is real\n\n{text}") }
    } else {
        Message { subject: line, text }
    })
}

fn values(subject: &Subject<'_>, template: &Template, fields: &Fields) -> Value {
    let Subject { incident, world, runbook, now } = *subject;
    // A map, not pairs: minijinja takes a sequence of pairs as a list.
    let filled: BTreeMap<&str, String> =
        Fields::ALL.into_iter().map(|name| (name, fields.get(name).unwrap_or_default().to_owned())).collect();
    let time = |at: Option<crate::terms::Time>| at.map_or_else(|| "not known".to_owned(), |at| minute(at, now));
    let clocks: Vec<Value> = clocks(incident, world, now)
        .into_iter()
        .map(|clock| context! { name => clock.name, due_at => time(clock.due_at), state => clock.state.as_str() })
        .collect();
    // A reason in the runbook's words; one that it does not have, as it was written.
    let reason = runbook.reasons.get(fields.reason.trim()).unwrap_or(&fields.reason);
    context! {
        id => incident.id.to_string(),
        title => incident.title.clone(),
        severity => incident.severity.clone(),
        status => incident.status.as_str(),
        drill => incident.drill,
        declared_at => incident.declared_at.to_chrono().format("%d %b %Y %H:%M UTC").to_string(),
        harm_at => time(incident.harm_at),
        contained_at => time(incident.contained_at),
        agents => incident.agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        switches => subject.all_switches(),
        affected => subject.affected().map(|affected| format!("{affected:.0}")).unwrap_or_default(),
        register => subject.register(),
        decision => subject.decision(),
        rollback => subject.rollback(),
        actions => subject.actions(),
        systems => subject.systems(),
        restart => subject.restart(),
        roles => incident.roles.clone(),
        clocks => clocks,
        reason => reason,
        threshold => subject.threshold(template).map(|(_, which)| which).unwrap_or_default(),
        last => is_last(&fields.next_update),
        fields => filled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{Command, Context, Declare, Incident, Worlds, chain, communication::fill, decide},
        runbook::Runbook,
        terms::{IncidentId, Time},
    };

    /// COM.2: each audience's template, at each level of each scheme, with and without a body.
    #[test]
    fn every_shipped_template_renders_at_every_shipped_level() {
        let runbook = Runbook::shipped();
        for (scheme, level) in runbook.schemes.values().flat_map(|one| one.levels.iter().map(move |level| (one, level)))
        {
            let ask = Declare {
                title: "paid twice".into(),
                severity: Some(level.id.clone()),
                scheme: Some(scheme.id.clone()),
                ..Declare::default()
            };
            let now = Time::from_millis(1_772_460_300_000);
            let context = Context { by: "dana".parse().unwrap(), now, drill: None, counted: Vec::new(), runs: None };
            let mut worlds = Worlds::default();
            let facts = decide(&worlds, &runbook, &context, &Command::Declare(ask)).unwrap();
            for (new, seq) in facts.into_iter().zip(1..) {
                let id = uuid::Uuid::nil();
                let place = chain::Place { position: seq, epoch: 1, seq, id, recorded_at: now, prev: String::new() };
                worlds.apply(&chain::seal(new, place).unwrap());
            }
            let incident = &worlds.real.incidents[&IncidentId(1)];
            for template in &runbook.templates {
                let world = &worlds.real;
                let subject = Subject { incident, world, runbook: &runbook, now };
                let mut fields = fill(&subject, template);
                assert_eq!(fields.reason.is_empty(), !template.external, "COM.2: {}", template.audience);
                fields.body = "what to do <now>".into();
                fields.workflow = "refunds".into();
                let Message { subject: line, text } = render(&subject, template, &fields).unwrap();
                assert!(text.contains("what to do <now>"), "{} keeps the body as it was written", template.audience);
                assert!(!text.contains("{{") && !text.contains("DRILL") && !line.contains('\n'), "{line}\n{text}");
                if let Some(words) = runbook.reasons.get(&fields.reason) {
                    assert!(text.contains(words), "COM.2: an external one names its reason: {text}");
                }
                fields.before_restart = "two keys for payouts".into();
                let told = |fields: &Fields| render(&subject, template, fields).unwrap().text;
                assert_eq!(told(&fields).contains("two keys"), template.audience == "internal");
                fields.next_update = "none".into();
                assert!(
                    told(&fields).contains("two keys"),
                    "COM.2: a final one says what changes: {}",
                    template.audience
                );
                fields.body.clear();
                let drill = Incident { drill: true, ..(**incident).clone() };
                let drilled = render(&Subject { incident: &drill, ..subject }, template, &fields).unwrap();
                assert!(drilled.text.starts_with("DRILL") && drilled.subject.starts_with("DRILL"), "DRL.1");
            }
        }
    }
}
