//! The message as it would be sent: a template over the incident and its six fields (COM.2).

use minijinja::{Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};

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
    let filled: Value = Fields::NAMES
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
