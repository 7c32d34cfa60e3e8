//! `andon runbook`: what holds here, what is wrong with a team's own texts, and a start for some (GOV.1, RBK.11).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use serde_json::json;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    config::read_runbook_text,
    runbook::{Runbook as Book, RunbookError, SHIPPED, nearest},
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
    /// Write the shipped texts into a folder as a start; what is there stays.
    Init {
        /// The folder; this user's own where none is named.
        folder: Option<PathBuf>,
    },
}

pub fn runbook(reach: &Reach, asked: &Runbook) -> Result<(), Failed> {
    let own = &reach.settings.runbook_folder;
    match asked {
        Runbook::Show { file: Some(file) } => text(reach, file),
        Runbook::Show { file: None } => summary(reach, &reach.settings.runbook()?),
        Runbook::Check { place } => check(reach, place.as_deref().unwrap_or(own)),
        Runbook::Init { folder } => init(reach, folder.as_deref().unwrap_or(own)),
    }
}

fn summary(reach: &Reach, runbook: &Book) -> Result<(), Failed> {
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
fn text(reach: &Reach, name: &str) -> Result<(), Failed> {
    let shipped = SHIPPED.iter().find(|(file, _)| *file == name).ok_or_else(|| no_file(name))?;
    let own = read_runbook_text(&reach.settings.runbook_folder.join(name))?;
    let value = json!({ "file": name, "own": own.is_some(), "text": own.as_deref().unwrap_or(shipped.1) });
    reach.show(&value, |_| {
        own.as_deref().unwrap_or(shipped.1).lines().try_for_each(|line| print::line(print::clean(line).as_str()))
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
        match Book::from_texts(&texts) {
            Ok(runbook) => break runbook.version,
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
