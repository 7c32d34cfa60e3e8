//! A draft as a file for `$EDITOR`, and back.

use std::{io, path::PathBuf};

use crate::{
    incident::Fields,
    terms::{DraftId, IncidentId},
};

const RULE: &str = "---";

/// The file: one line a field, a rule, the message.
pub fn to_file(incident: IncidentId, draft: DraftId, audience: &str, fields: &Fields) -> String {
    let mut text =
        format!("# {incident} {draft} for {audience}: one line a field; the message stands below the rule.\n");
    for name in Fields::NAMES {
        let value = fields.get(name).unwrap_or_default().replace('\n', " ");
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str(RULE);
    text.push('\n');
    text.push_str(&fields.body);
    text.push('\n');
    text
}

/// Reads it back.
///
/// # Errors
/// Names the line that is no field, or says that the rule is gone: nothing is saved then.
pub fn from_file(text: &str) -> Result<Fields, String> {
    let Some((head, body)) = text.split_once(&format!("\n{RULE}\n")) else {
        return Err("the line --- between fields and message is gone; nothing was saved".into());
    };
    let mut fields = Fields { body: body.trim_end().to_owned(), ..Fields::default() };
    for line in head.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.trim() == "body" || !fields.set(name.trim(), value.trim().to_owned()) {
            let shown: String = line.chars().take(40).collect();
            return Err(format!("{shown:?} is no field; nothing was saved"));
        }
    }
    Ok(fields)
}

/// Runs `$VISUAL`, `$EDITOR` or `vi` over a private file, and answers what the person left in it.
///
/// # Errors
/// The file or the editor, in words; nothing is to be saved then.
pub async fn run(text: &str) -> Result<String, String> {
    use tokio::io::AsyncWriteExt;
    let path: PathBuf = std::env::temp_dir().join(format!("andon-{}.txt", uuid::Uuid::now_v7().simple()));
    let shown = path.display().to_string();
    let wrong = |error: io::Error| format!("{shown}: {error}");
    let mut file =
        tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await.map_err(wrong)?;
    file.write_all(text.as_bytes()).await.map_err(wrong)?;
    file.flush().await.map_err(wrong)?;
    drop(file);
    let editor = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok()).find(|e| !e.is_empty());
    let editor = editor.unwrap_or_else(|| "vi".into());
    let mut command = tokio::process::Command::new("sh");
    command.arg("-c").arg(format!("exec {editor} \"$1\"")).arg("sh").arg(&path);
    let status = command.status().await.map_err(|error| format!("{editor}: {error}; set EDITOR"))?;
    let read = tokio::fs::read_to_string(&path).await.map_err(wrong)?;
    let outcome = judged(text, read, status.success().then_some(()).ok_or_else(|| format!("{editor}: {status}")));
    match outcome {
        Err(why) if why.keep => Err(format!("{}; what was written is in {shown}", why.words)),
        other => {
            tokio::fs::remove_file(&path).await.ok();
            other.map_err(|why| why.words)
        }
    }
}

/// Why nothing is saved, and whether the file holds something that is nowhere else.
#[derive(Debug, PartialEq)]
struct Unsaved {
    words: String,
    keep: bool,
}

fn judged(before: &str, after: String, ended: Result<(), String>) -> Result<String, Unsaved> {
    let keep = before != after;
    ended.map_err(|why| Unsaved { words: format!("{why}; nothing was saved"), keep })?;
    if !keep {
        return Err(Unsaved { words: "nothing was changed".into(), keep });
    }
    from_file(&after).map_err(|words| Unsaved { words, keep })?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_survives_the_way_through_a_file() {
        let fields = Fields { impact: "paid twice: 41".into(), body: "One\n\n---x\ntwo".into(), ..Fields::default() };
        let file = to_file(IncidentId(7), DraftId(1), "customer", &fields);
        assert_eq!(from_file(&file), Ok(fields));
        assert!(from_file("impact: x\n").is_err());
        assert!(from_file("colour: x\n---\n").unwrap_err().contains("colour"));
    }

    /// What a person wrote is never thrown away, whatever the editor or they did.
    #[test]
    fn what_cannot_be_saved_is_kept() {
        let before = to_file(IncidentId(7), DraftId(1), "customer", &Fields::default());
        let changed = format!("{before}more\n");
        assert_eq!(judged(&before, changed.clone(), Ok(())), Ok(changed.clone()));
        let kept = |after: &str, ended| judged(&before, after.to_owned(), ended).map_err(|why| why.keep);
        assert_eq!(kept(&before, Ok(())), Err(false));
        assert_eq!(kept(&before, Err("vi: 1".into())), Err(false));
        assert_eq!(kept(&changed, Err("vi: 1".into())), Err(true));
        assert_eq!(kept("the rule is gone", Ok(())), Err(true));
    }
}
