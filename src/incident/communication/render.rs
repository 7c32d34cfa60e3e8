//! The message as it would be sent: a template over the incident and its six fields (COM.2).

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};

use crate::{
    incident::{Fields, Incident},
    runbook::Template,
};

/// Renders a draft.
///
/// # Errors
/// What the template engine says of a template that does not fit.
pub fn render(template: &Template, incident: &Incident, fields: &Fields) -> Result<String, String> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|error| error.to_string())?,
    );
    // A map, not pairs: minijinja takes a sequence of pairs as a list.
    let filled: BTreeMap<&str, String> = Fields::NAMES
        .into_iter()
        .chain(["body"])
        .map(|name| (name, fields.get(name).unwrap_or_default().to_owned()))
        .collect();
    let values = context! {
        id => incident.id.to_string(),
        title => incident.title.clone(),
        severity => incident.severity.clone(),
        status => incident.status.as_str(),
        drill => incident.drill,
        declared_at => incident.declared_at.to_chrono().format("%d %b %Y %H:%M UTC").to_string(),
        fields => filled,
    };
    let text = engine.render_str(&template.body, values).map_err(|error| error.to_string())?;
    // DRL.1: what leaves a drill says so in its first line.
    Ok(if incident.drill { format!("DRILL — nothing here is real\n\n{text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{Command, Context, Declare, Worlds, chain, communication::fill, decide},
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
            let context = Context { by: "dana".parse().unwrap(), now, drill: None, counted: Vec::new() };
            let mut worlds = Worlds::default();
            let facts = decide(&worlds, &runbook, &context, &Command::Declare(ask)).unwrap();
            for (new, seq) in facts.into_iter().zip(1..) {
                let id = uuid::Uuid::nil();
                let place = chain::Place { position: seq, epoch: 1, seq, id, recorded_at: now, prev: String::new() };
                worlds.apply(&chain::seal(new, place).unwrap());
            }
            let incident = &worlds.real.incidents[&IncidentId(1)];
            for template in &runbook.templates {
                let mut fields = fill(incident, &worlds.real, &template.audience, now);
                fields.body = "what to do <now>".into();
                fields.workflow = "refunds".into();
                let text = render(template, incident, &fields).unwrap();
                assert!(text.contains("what to do <now>"), "{} keeps the body as it was written", template.audience);
                assert!(!text.contains("{{") && !text.contains("DRILL"), "{text}");
                fields.body.clear();
                assert!(render(template, incident, &fields).is_ok(), "{}", template.audience);
                let drill = Incident { drill: true, ..(**incident).clone() };
                assert!(render(template, &drill, &fields).unwrap().starts_with("DRILL"), "DRL.1");
            }
        }
    }
}
