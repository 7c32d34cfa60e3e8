//! `andon config`: what holds here, and what is wrong with it; works on a broken file.

use clap::Subcommand;
use serde_json::json;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::config::EXAMPLE;

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
