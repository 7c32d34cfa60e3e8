//! `andon runbook`: what holds here, what is wrong with a team's own texts, and a start for some (GOV.1, RBK.11).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use serde_json::json;

use super::{
    faults as reports,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{Accepted, path},
    config::{read_runbook_text, runbook_texts},
    incident::{Fact, upkeep::TakeRunbook},
    runbook::{Book, RunbookError, SHIPPED, nearest},
};

/// `andon runbook`.
#[derive(Debug, Subcommand)]
pub enum Runbook {
    /// Show the runbook in force here: severities, action classes, limits; or the text of one of its files.
    Show {
        /// classes.toml, severity.toml ….
        file: Option<String>,
    },
    /// Say what is wrong with a runbook's texts: in each file the first thing, with line, key and the nearest word.
    Check {
        /// One file, or a folder with any of them; this user's own where none is named.
        place: Option<PathBuf>,
    },
    /// Bring a folder's texts into force without a restart; open incidents keep the version they began with.
    Reload {
        /// The folder; this user's own where none is named.
        folder: Option<PathBuf>,
    },
    /// Say what is wrong with the runbook: a budget, a class that is missing, a procedure that fails.
    Report(reports::Report),
    /// List what was reported and is open.
    Reports {
        /// What was settled too.
        #[arg(long)]
        all: bool,
    },
    /// End a report, or hand it to somebody else.
    Settle(reports::Settle),
    /// Write the shipped texts into a folder as a start; what is there stays.
    Init {
        /// The folder; this user's own where none is named.
        folder: Option<PathBuf>,
    },
}

pub async fn runbook(reach: &Reach, asked: Runbook) -> Result<(), Failed> {
    let own = &reach.settings.runbook_folder;
    match asked {
        Runbook::Show { file: Some(file) } => text(reach, &file).await,
        Runbook::Show { file: None } => summary(reach).await,
        Runbook::Check { place } => check(reach, place.as_deref().unwrap_or(own)),
        Runbook::Init { folder } => init(reach, folder.as_deref().unwrap_or(own)),
        Runbook::Reload { folder } => reload(reach, folder.as_deref().unwrap_or(own)).await,
        Runbook::Report(report) => reports::report(reach, report).await,
        Runbook::Reports { all } => reports::list(reach, all).await,
        Runbook::Settle(settle) => reports::settle(reach, settle).await,
    }
}

async fn summary(reach: &Reach) -> Result<(), Failed> {
    let runbook = reach.runbook(None).await?;
    let value = json!({
        "version": runbook.version, "review_by": runbook.review_by, "default_scheme": runbook.default_scheme,
        "schemes": runbook.schemes.values().collect::<Vec<_>>(), "classes": runbook.classes,
        "tripwires": runbook.tripwires, "roles": runbook.roles,
    });
    reach.show(&value, |_| {
        print::line(format!("version {}, to be reviewed by {}", runbook.version, runbook.review_by))?;
        for scheme in runbook.schemes.values() {
            print::line(format!("\n{} ({})", scheme.title, scheme.id))?;
            for level in &scheme.levels {
                print::line(format!("  {:<9} {}", level.id, level.meaning))?;
            }
        }
        print::line("\nAction classes")?;
        for plan in &runbook.classes {
            let budget = print::span(plan.budget_s as f64);
            print::line(format!("  {:<23} {} · {budget} · {}", plan.class, plan.title, plan.authorised))?;
        }
        print::line(format!("\nFiles: {}", SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
    })
}

/// Why a name is none of a runbook's files.
fn no_file(name: &str) -> String {
    let hint = nearest(name, SHIPPED.iter().map(|(file, _)| *file));
    let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
    format!("{} is no file of a runbook{hint}", print::clean(name))
}

/// The text of one file as it is in force.
async fn text(reach: &Reach, name: &str) -> Result<(), Failed> {
    let (file, shipped) = SHIPPED.iter().find(|(file, _)| *file == name).ok_or_else(|| no_file(name))?;
    let (text, own) = match reach.book().await? {
        Some(view) => (view.texts.get(*file).cloned(), view.own.iter().any(|own| own == file)),
        None => {
            let own = read_runbook_text(&reach.settings.runbook_folder.join(file))?;
            (own.clone(), own.is_some())
        }
    };
    let text = text.unwrap_or_else(|| (*shipped).to_owned());
    let value = json!({ "file": name, "own": own, "text": text });
    reach.show(&value, |_| text.lines().try_for_each(|line| print::line(print::clean(line).as_str())))
}

/// GOV.1: the folder's texts hold from now on.
async fn reload(reach: &Reach, folder: &Path) -> Result<(), Failed> {
    let own = runbook_texts(folder)?;
    Book::of(&own)?;
    let client = reach.client().await?;
    let accepted: Accepted = client.post(path::RUNBOOK, &TakeRunbook { own }).await?;
    let taken = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::RunbookTaken(taken) => Some(taken.version.clone()),
        _ => None,
    });
    reach.show(&json!({ "taken": taken, "folder": folder }), |_| match &taken {
        Some(version) => print::line(format!(
            "version {} is in force for new incidents; open ones keep the one they began with",
            print::clean(version)
        )),
        None => print::line("these texts are in force already"),
    })
}

fn check(reach: &Reach, place: &Path) -> Result<(), Failed> {
    let (mut texts, mut wrong) = (BTreeMap::new(), Vec::new());
    for file in files(place)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !SHIPPED.iter().any(|(shipped, _)| *shipped == name) {
            wrong.push(no_file(&name));
            continue;
        }
        match read_runbook_text(&file) {
            Ok(text) => drop(text.map(|text| texts.insert(name, text))),
            Err(why) => wrong.push(why.to_string()),
        }
    }
    let own = texts.len();
    // A file that does not fit gives way to the shipped one, so that the next is judged in its company.
    let version = loop {
        match Book::of(&texts) {
            Ok(book) => break book.runbook.version.clone(),
            Err(why) => {
                let known = texts.remove(&why.file).is_some();
                wrong.push(why.to_string());
                if !known {
                    break String::new();
                }
            }
        }
    };
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let value = json!({ "ok": true, "version": version, "own_files": own });
    reach.show(&value, |_| {
        let place = print::clean(place.to_string_lossy());
        print::line(format!("nothing is wrong: version {version}, {own} files of your own in {place}"))
    })
}

/// A file alone, or what a folder holds of TOML; a folder that is not there holds nothing.
fn files(place: &Path) -> Result<Vec<PathBuf>, Failed> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let unreadable = |why: std::io::Error| format!("{} cannot be read: {why}", print::clean(place.to_string_lossy()));
    let found = match std::fs::read_dir(place) {
        Ok(found) => found,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(unreadable(why).into()),
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for one in found {
        let path = one.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn init(reach: &Reach, folder: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(folder)?;
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (name, text) in SHIPPED.iter().copied() {
        match std::fs::OpenOptions::new().write(true).create_new(true).open(folder.join(name)) {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                written.push(name);
            }
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => kept.push(name),
            Err(why) => return Err(RunbookError { file: name.into(), line: None, what: why.to_string() }.into()),
        }
    }
    let value = json!({ "folder": folder, "written": written, "kept": kept });
    reach.show(&value, |_| {
        let place = print::clean(folder.to_string_lossy());
        print::line(format!("{place}: {} files written, {} were there and stay", written.len(), kept.len()))?;
        print::line("change them, then `andon runbook check`; files that you delete are the shipped ones again")
    })
}
