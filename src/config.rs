//! config.toml, the environment, and where files go. A broken config never blocks the start: its defaults hold, and
//! what is wrong is said.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    backend::home::{Home, SYSTEM_SOCKET},
    client::{Secret, Target},
    runbook::{Book, Runbook, RunbookError, SHIPPED, nearest},
    session::Session,
};

/// What `config.toml` may say. Every key has a default; `config.example.toml` lists them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// URL of a team's backend, or several with commas between where they share a database; empty is this user's own.
    pub url: String,
    /// A certificate authority to trust besides the system's, as a PEM file; `ANDON_CA_FILE` comes first.
    pub ca_file: String,
    /// File with the token to show it, readable by its owner only; `ANDON_TOKEN` comes first.
    pub token_file: String,
    /// NATS servers that several backends of one Postgres database share telemetry over; `andon serve --telemetry` and
    /// `ANDON_TELEMETRY` come first; empty is none.
    pub telemetry: String,
    /// `auto`, `dark`, `light`, `high-contrast`, `colour-blind`.
    pub theme: String,
    /// Mouse on; off by default, so that selecting text with it works.
    pub mouse: bool,
    /// `off`, `bell` or `osc9`.
    pub notify: String,
    /// Other keys for commands: `halt = "!"`.
    pub keys: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            ca_file: String::new(),
            token_file: String::new(),
            telemetry: String::new(),
            theme: "auto".into(),
            mouse: false,
            notify: "off".into(),
            keys: BTreeMap::new(),
        }
    }
}

/// The configuration as resolved: what holds, where it came from, and what was wrong with it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What holds.
    pub config: Config,
    /// The file it is, or would be, read from.
    pub file: PathBuf,
    /// What is wrong with it, in a line; its defaults hold then.
    pub wrong: Option<String>,
    /// Where the local backend keeps its files.
    pub home: Home,
    /// Where a team's own runbook texts would be.
    pub runbook_folder: PathBuf,
    /// Where a team's own recordings would be.
    pub drills_folder: PathBuf,
    /// `ANDON_URL`.
    pub url: Option<String>,
    /// `ANDON_CA_FILE`.
    pub ca_file: Option<PathBuf>,
    /// `ANDON_TOKEN`.
    pub token: Option<Secret>,
}

impl Settings {
    /// Reads the environment and the file.
    ///
    /// # Errors
    /// Only when there is no home folder at all and `ANDON_HOME` names none.
    pub fn read() -> Result<Self, NoHome> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (folder, home) = match env("ANDON_HOME").map(PathBuf::from) {
            Some(root) => {
                // Daemons leave their folder: a relative one would lead elsewhere then.
                let root = std::path::absolute(&root).unwrap_or(root);
                (root.join("config"), Home::under(root))
            }
            None => {
                let folders = directories::ProjectDirs::from("", "", "andon").ok_or(NoHome)?;
                let home = Home {
                    root: None,
                    data: folders.data_local_dir().to_owned(),
                    logs: folders.state_dir().unwrap_or(folders.cache_dir()).to_owned(),
                    runtime: folders.runtime_dir().map(Path::to_owned),
                };
                (folders.config_dir().to_owned(), home)
            }
        };
        let file = env("ANDON_CONFIG").map_or_else(|| folder.join("config.toml"), PathBuf::from);
        let (config, wrong) = read_file(&file);
        Ok(Self {
            config,
            file,
            wrong,
            home,
            runbook_folder: folder.join("runbook"),
            drills_folder: folder.join("drills"),
            url: env("ANDON_URL"),
            ca_file: env("ANDON_CA_FILE").map(PathBuf::from),
            token: env("ANDON_TOKEN").map(Secret::new),
        })
    }

    /// The backend that is named, if one is; none is this user's own (protocol 5).
    ///
    /// # Errors
    /// A token file that cannot be read.
    pub fn named(&self) -> Result<Option<Target>, String> {
        let configured = Some(&self.config.url).filter(|url| !url.is_empty());
        let Some(url) = self.url.as_ref().or(configured).cloned() else { return Ok(None) };
        let authority = Some(&self.config.ca_file).filter(|file| !file.is_empty()).map(PathBuf::from);
        let token = self.token()?.or_else(|| Session::of(&self.home, &url).map(|session| session.secret()));
        Ok(Some(Target::Url { url, token, authority: self.ca_file.clone().or(authority) }))
    }

    fn token(&self) -> Result<Option<Secret>, String> {
        if self.token.is_some() || self.config.token_file.is_empty() {
            return Ok(self.token.clone());
        }
        let file = &self.config.token_file;
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Some(Secret::new(text.trim()))),
            Err(why) => Err(format!("cannot read the token file {file}: {why}. Mend token_file, or set ANDON_TOKEN")),
        }
    }

    /// The runbook: the shipped one, with a team's own texts in place.
    ///
    /// # Errors
    /// A text that does not fit, or cannot be read.
    pub fn book(&self) -> Result<Book, RunbookError> {
        Book::of(&runbook_texts(&self.runbook_folder)?)
    }

    /// What it means.
    ///
    /// # Errors
    /// A text that does not fit, or cannot be read.
    pub fn runbook(&self) -> Result<Arc<Runbook>, RunbookError> {
        self.book().map(|book| book.runbook)
    }
}

/// A team's own texts in a folder, by file name; a folder that is not there has none.
///
/// # Errors
/// One that cannot be read.
pub fn runbook_texts(folder: &Path) -> Result<BTreeMap<String, String>, RunbookError> {
    let mut texts = BTreeMap::new();
    for (name, _) in SHIPPED.iter().copied() {
        if let Some(text) = read_runbook_text(&folder.join(name))? {
            texts.insert(name.to_owned(), text);
        }
    }
    Ok(texts)
}

/// Largest file of a runbook that is read, in bytes.
const LARGEST_TEXT: u64 = 1 << 20;

/// One of a team's own texts; none where there is no such file.
///
/// # Errors
/// One that cannot be read, or is larger than any runbook.
pub fn read_runbook_text(path: &Path) -> Result<Option<String>, RunbookError> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let wrong = |what: String| RunbookError { file: name.clone(), line: None, what };
    let size = match std::fs::metadata(path) {
        Ok(file) => file.len(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(wrong(format!("cannot be read: {why}"))),
    };
    if size > LARGEST_TEXT {
        return Err(wrong(format!("it has {size} bytes, and at most {LARGEST_TEXT} are read: is it a runbook's?")));
    }
    std::fs::read_to_string(path).map(Some).map_err(|why| wrong(format!("cannot be read: {why}")))
}

/// Where a whole host's backend would answer.
pub fn system_socket() -> PathBuf {
    std::env::var_os("ANDON_SYSTEM_SOCKET")
        .filter(|path| !path.is_empty())
        .map_or_else(|| SYSTEM_SOCKET.into(), PathBuf::from)
}

/// There is no home folder to keep anything in.
#[derive(Debug, thiserror::Error)]
#[error("no home folder is known for this user; name one with ANDON_HOME")]
pub struct NoHome;

fn read_file(file: &Path) -> (Config, Option<String>) {
    match std::fs::read_to_string(file) {
        Ok(text) => match parse(&text) {
            Ok(config) => (config, None),
            Err(why) => (Config::default(), Some(format!("{} {why}; the defaults hold", file.display()))),
        },
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => (Config::default(), None),
        Err(why) => (Config::default(), Some(format!("{} cannot be read: {why}; the defaults hold", file.display()))),
    }
}

const KEYS: [&str; 8] = ["url", "ca_file", "token_file", "telemetry", "theme", "mouse", "notify", "keys"];
const THEMES: [&str; 5] = ["auto", "dark", "light", "high-contrast", "colour-blind"];
const NOTIFY: [&str; 3] = ["off", "bell", "osc9"];

/// Reads a config's text.
///
/// # Errors
/// The line, the key and the nearest word.
pub fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let unknown = error.message().strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let hint = unknown.and_then(|word| nearest(word, KEYS)).map(|word| format!("; did you mean {word}?"));
        format!("line {line}: {}{}", error.message().lines().next().unwrap_or_default(), hint.unwrap_or_default())
    })?;
    for (key, value, known) in [("theme", &config.theme, &THEMES[..]), ("notify", &config.notify, &NOTIFY[..])] {
        if !known.contains(&value.as_str()) {
            let line = text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1);
            let hint = nearest(value, known.iter().copied()).map(|word| format!("; did you mean {word}?"));
            let known = known.join(", ");
            return Err(format!("line {line}: {key} = {value:?} is none of {known}{}", hint.unwrap_or_default()));
        }
    }
    Ok(config)
}

/// The example that ships: every key with its default.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(parse(EXAMPLE).unwrap(), Config::default());
        assert_eq!(parse("").unwrap(), Config::default());
        for key in KEYS {
            assert!(EXAMPLE.contains(key), "{key} is not in the example");
        }
    }

    #[test]
    fn a_broken_config_names_line_key_and_nearest_word() {
        for (text, line, hint) in [
            ("url = ''\nthme = 'dark'", "line 2", "theme"),
            ("theme = 'drak'", "line 1", "did you mean dark?"),
            ("mouse = 'yes'", "line 1", ""),
            ("\n\n[[", "line 3", ""),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.starts_with(line) && why.contains(hint), "{why}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let target =
            Target::Url { url: "http://h".into(), token: Some(Secret::new("andon_very_secret")), authority: None };
        assert!(!format!("{target:?}").contains("very"));
    }
}
