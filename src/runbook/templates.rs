//! Templates are whole: every variable is one that an incident fills, every field and reason one there is (COM.2).

use minijinja::Environment;

use super::{Owed, OwedBy, Runbook, RunbookError, nearest, read::wrong};
use crate::incident::{Fields, communication::VARIABLES};

const FILE: &str = "templates.toml";

/// Checks every template; `text` is the file, for the line of what does not fit.
pub(super) fn check(runbook: &Runbook, text: &str) -> Result<(), RunbookError> {
    let mut audiences: Vec<&str> = Vec::new();
    for template in &runbook.templates {
        let name = &template.audience;
        let at = |word: &str| line_of(text, name, word);
        let no = |line, what: String| Err(wrong(FILE, line, format!("template {name:?}: {what}")));
        if audiences.contains(&name.as_str()) {
            return no(None, "stands twice".into());
        }
        audiences.push(name);
        for source in [&template.body, &template.subject] {
            if let Err((word, what)) = variables(source) {
                return no(word.and_then(|word| at(&word)), what);
            }
        }
        for (key, given, known) in [
            ("needs", &template.needs, &Fields::ALL[Fields::NAMES.len()..]),
            ("reasons", &template.reasons, &runbook.reasons.keys().map(String::as_str).collect::<Vec<_>>()[..]),
        ] {
            if let Some(word) = given.iter().find(|word| !known.contains(&word.as_str())) {
                return no(at(word), format!("{key} {word:?} is none of {}{}", known.join(", "), hint(word, known)));
            }
        }
        if template.external && !template.needs.iter().any(|need| need == "reason") {
            return no(at("needs"), "leaves the house and does not need a reason: needs = [\"reason\", …]".into());
        }
        if let Some(what) = template.owed.as_ref().and_then(|owed| incomplete(runbook, owed)) {
            return no(at("owed"), what);
        }
    }
    Ok(())
}

/// Wording and claims name fields there are.
pub(super) fn fields(runbook: &Runbook) -> Result<(), RunbookError> {
    let excepted = runbook.banned.iter().flat_map(|one| one.except.iter().map(|field| ("banned.toml", field)));
    let claimed = runbook.claims.iter().map(|claim| ("lint.toml", &claim.field));
    match excepted.chain(claimed).find(|(_, field)| !Fields::ALL.contains(&field.as_str())) {
        Some((file, field)) => {
            let known = Fields::ALL.join(", ");
            Err(wrong(file, None, format!("{field:?} is no field: one of {known}{}", hint(field, &Fields::ALL))))
        }
        None => Ok(()),
    }
}

fn incomplete(runbook: &Runbook, owed: &Owed) -> Option<String> {
    let given = owed.within_s.is_some() || !owed.severities.is_empty() || owed.affected.is_some();
    match owed.by {
        OwedBy::Threshold if owed.within_s.is_none() => Some("owed by threshold needs within_s".into()),
        OwedBy::Threshold if owed.severities.is_empty() && owed.affected.is_none() => {
            Some("owed by threshold needs severities, or how many are affected".into())
        }
        OwedBy::Threshold => {
            let levels: Vec<&str> =
                runbook.schemes.values().flat_map(|scheme| &scheme.levels).map(|level| level.id.as_str()).collect();
            let stranger = owed.severities.iter().find(|level| !levels.contains(&level.as_str()))?;
            Some(format!("owed at {stranger:?}, which is a level of no scheme{}", hint(stranger, &levels)))
        }
        _ if given => Some(format!("owed by {} takes no threshold of its own", owed.by)),
        _ => None,
    }
}

/// What a template names that nothing fills: the word, and what is wrong with it.
fn variables(source: &str) -> Result<(), (Option<String>, String)> {
    let engine = Environment::new();
    let template = engine.template_from_str(source).map_err(|error| (None, error.to_string()))?;
    for named in template.undeclared_variables(true) {
        let (first, rest) = named.split_once('.').unwrap_or((&named, ""));
        if !VARIABLES.contains(&first) {
            let what =
                format!("nothing fills {first:?}; there are {}{}", VARIABLES.join(", "), hint(first, &VARIABLES));
            return Err((Some(first.to_owned()), what));
        }
        if first == "fields" && !Fields::ALL.contains(&rest) {
            let what = format!("{rest:?} is no field: one of {}{}", Fields::ALL.join(", "), hint(rest, &Fields::ALL));
            return Err((Some(rest.to_owned()), what));
        }
    }
    Ok(())
}

fn hint(given: &str, known: &[&str]) -> String {
    nearest(given, known.iter().copied()).map(|word| format!("; did you mean {word}?")).unwrap_or_default()
}

/// The first line with `word` after the line that begins `audience`'s template.
fn line_of(text: &str, audience: &str, word: &str) -> Option<usize> {
    let begins = |line: &str| {
        line.split_once('=')
            .is_some_and(|(key, value)| key.trim() == "audience" && value.trim().trim_matches(['"', '\'']) == audience)
    };
    let start = text.lines().position(begins)?;
    Some(text.lines().skip(start).position(|line| line.contains(word))? + start + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runbook::Template;

    fn read(text: &str) -> Result<Vec<Template>, RunbookError> {
        let texts = BTreeMap::from([(FILE.to_owned(), text.to_owned()), ("channels.toml".to_owned(), String::new())]);
        Runbook::from_texts(&texts).map(|runbook| runbook.templates)
    }

    /// COM.2, GOV.1: a variable that nothing fills is named with its line and the nearest word, before anybody needs it.
    #[test]
    fn a_template_names_only_what_is_filled() {
        let one = |rest: &str| format!("reason.customer = 'x'\n[[template]]\naudience = 'a'\ntitle = 'A'\n{rest}\n");
        assert_eq!(
            read(&one("external = false\nbody = '{{ fields.impact }} {% for c in clocks %}{{ c.name }}{% endfor %}'"))
                .unwrap()
                .len(),
            1
        );
        for (rest, line, said) in [
            ("external = false\nbody = '{{ severty }}'", Some(6), "did you mean severity?"),
            ("external = false\nbody = '''\none\n{{ fields.impcat }}'''", Some(8), "did you mean impact?"),
            ("external = false\nbody = 'x'\nsubject = '{{ titel }}'", Some(7), "did you mean title?"),
            ("external = false\nbody = '{{ fields.impact '", None, "template"),
            ("external = true\nbody = 'x'", None, "does not need a reason"),
            ("external = false\nbody = 'x'\nneeds = ['reasons']", Some(7), "did you mean reason?"),
            ("external = false\nbody = 'x'\nreasons = ['custmer']", Some(7), "did you mean customer?"),
            ("external = false\nbody = 'x'\nowed = { by = 'threshold' }", Some(7), "within_s"),
            (
                "external = false\nbody = 'x'\nowed = { by = 'threshold', within_s = 5, severities = ['SEV-9'] }",
                Some(7),
                "SEV-9",
            ),
            ("external = false\nbody = 'x'\nowed = { by = 'users', within_s = 5 }", Some(7), "no threshold"),
            ("external = false\nbody = 'x'\nowed = { by = 'user' }", Some(7), "did you mean users?"),
        ] {
            let error = read(&one(rest)).unwrap_err();
            assert_eq!((error.file.as_str(), error.line), (FILE, line), "{error}");
            assert!(error.what.contains(said), "{error} / {said}");
        }
        let twice = "[[template]]\naudience = 'a'\ntitle = 'A'\nexternal = false\nbody = 'x'\n".repeat(2);
        assert!(read(&twice).unwrap_err().what.contains("twice"));
    }
}
