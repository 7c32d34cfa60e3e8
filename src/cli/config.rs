//! `andon config`, `andon runbook`: what holds here, and what is wrong with it. Both work on broken files.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{config::EXAMPLE, runbook::SHIPPED};

/// `andon config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write a config.toml with every default, unless there is one.
    Init,
    /// Show what holds.
    Show,
    /// Say where the file is looked for.
    Path,
    /// Say what is wrong with the file.
    Check,
}

pub fn config(reach: &Reach, asked: &Config) -> Result<(), Failed> {
    let settings = &reach.settings;
    match asked {
        Config::Path => {
            reach.show(&json!({ "path": settings.file }), |_| print::line(settings.file.display().to_string()))
        }
        Config::Show => reach.show(&settings.config, |config| {
            if let Some(wrong) = &settings.wrong {
                eprintln!("{wrong}");
            }
            print::line(toml::to_string(config).map_err(|why| why.to_string())?.trim_end())
        }),
        Config::Check => match &settings.wrong {
            Some(wrong) => Err(wrong.clone().into()),
            None => reach.show(&json!({ "ok": true }), |_| print::line("nothing is wrong with it")),
        },
        Config::Init => {
            let file = &settings.file;
            if file.exists() {
                return Err(format!("{} exists; nothing was changed", file.display()).into());
            }
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(file, EXAMPLE)?;
            reach.show(&json!({ "path": file }), |_| print::line(format!("wrote {}", file.display())))
        }
    }
}

/// `andon runbook`.
#[derive(Debug, Subcommand)]
pub enum Runbook {
    /// Show the runbook in force here: severities, action classes, limits.
    Show,
    /// Say what is wrong with a folder of runbook texts, this user's where none is named.
    Check {
        /// A folder with any of the runbook's files.
        folder: Option<PathBuf>,
    },
}

pub fn runbook(reach: &Reach, asked: &Runbook) -> Result<(), Failed> {
    match asked {
        Runbook::Show => {
            let runbook = reach.settings.runbook()?;
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
                Ok(())
            })
        }
        Runbook::Check { folder } => {
            let mut settings = reach.settings.clone();
            if let Some(folder) = folder {
                settings.runbook_folder.clone_from(folder);
            }
            let own = SHIPPED.iter().filter(|(name, _)| settings.runbook_folder.join(name).exists()).count();
            let runbook = settings.runbook()?;
            let value = json!({ "ok": true, "version": runbook.version, "own_files": own });
            reach.show(&value, |_| {
                let place = settings.runbook_folder.display();
                print::line(format!(
                    "nothing is wrong: version {}, {own} files of your own in {place}",
                    runbook.version
                ))
            })
        }
    }
}
