//! What commands print. Agent- and person-written text goes through [`Printable`], here as on the screen (law 7).

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::terms::{Printable, Time};

/// Why a command failed, in words that say what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

macro_rules! failed_by {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failed {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })+
    };
}

failed_by!(
    String,
    &str,
    crate::backend::intake::StoreError,
    crate::backend::log::NotMoved,
    crate::client::ClientError,
    crate::cockpit::CockpitError,
    crate::config::NoHome,
    crate::runbook::RunbookError,
    crate::backend::local::LocalError,
    crate::backend::serve::ServeError,
    serde_json::Error,
    std::io::Error,
);

/// Prints a line. A reader that went away (`| head`) ends the program quietly.
pub fn line(text: impl AsRef<str>) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        done => done.map_err(Failed::from),
    }
}

/// Prints a value as JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failed> {
    line(serde_json::to_string(value)?)
}

/// Untrusted text in one line.
pub fn clean(text: impl AsRef<str>) -> Printable {
    Printable::line(text.as_ref())
}

/// `14:05:41` of today's reader would lie over SSH in another zone: times are UTC here.
pub fn clock(at: Time) -> String {
    at.to_chrono().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `9:12 left`, `1:02:03 over`.
pub fn span(seconds: f64) -> String {
    let whole = seconds.abs() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// Rows under a heading, each column as wide as it needs; the last is not padded.
pub fn table(heading: &[&str], body: &[Vec<String>]) -> Result<(), Failed> {
    rows(heading, body).iter().try_for_each(line)
}

/// The same as lines.
pub fn rows(heading: &[&str], body: &[Vec<String>]) -> Vec<String> {
    let body: Vec<Vec<Printable>> = body.iter().map(|row| row.iter().map(clean).collect()).collect();
    let widths: Vec<usize> = (0..heading.len())
        .map(|at| {
            let cells = body.iter().filter_map(|row| row.get(at)).map(Printable::width);
            cells.max().unwrap_or(0).max(heading[at].chars().count())
        })
        .collect();
    let heading: Vec<Printable> = heading.iter().map(|title| Printable::line(title)).collect();
    let joined = |row: &Vec<Printable>| {
        let mut text = String::new();
        for (at, cell) in row.iter().enumerate() {
            text.push_str(cell.as_str());
            if at + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', widths[at].saturating_sub(cell.width()) + 2));
            }
        }
        text.trim_end().to_owned()
    };
    std::iter::once(&heading).chain(&body).map(joined).collect()
}
