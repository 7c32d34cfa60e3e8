//! Break-glass (law 6, CON.7): the backend is not reached, and something must stop now. What this host may do by itself is
//! done; what was done is written down, and told once the backend is back, without doing it twice.
//!
//! The file is a chain of lines under a key of this user's. That shows edits by anybody without that key; it does not bind
//! the user itself.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::print::{self, Failed};
use crate::{
    api::Accepted,
    backend::{home::Home, outward},
    client::{Client, ClientError},
    incident::{Command, Engage, Fired, containment::Mode},
    runbook::Actuator,
    terms::Time,
};

/// One halt that was fired without the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    /// The command's id: told twice, it engages once.
    id: Uuid,
    at: Time,
    /// What the backend is asked once it is back; with what was done.
    engage: Engage,
    /// The line before, or nothing.
    prev: String,
    /// Over all of it, under this user's key.
    mac: String,
}

/// Where one user's break-glass halts are.
pub struct Queue {
    lines: PathBuf,
    told: PathBuf,
    key: PathBuf,
}

impl Queue {
    /// In a home's data.
    pub fn of(home: &Home) -> Self {
        let at = |name: &str| home.data.join(name);
        Self { lines: at("break-glass.jsonl"), told: at("break-glass.told"), key: at("break-glass.key") }
    }

    fn key(&self) -> std::io::Result<Vec<u8>> {
        match std::fs::read(&self.key) {
            Ok(key) if key.len() == 32 => return Ok(key),
            Ok(_) => return Err(std::io::Error::other(format!("{} is no key of ours", self.key.display()))),
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
            Err(_) => {}
        }
        let mut key = vec![0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        private(&self.key, true)?.write_all(&key)?;
        Ok(key)
    }

    fn mac(&self, line: &Line) -> std::io::Result<String> {
        let body = serde_json::to_vec(&Line { mac: String::new(), ..line.clone() })?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()?).map_err(std::io::Error::other)?;
        mac.update(&body);
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    /// Every line, in order; one that was edited, moved or cut out is an error. One that a crash cut short is none: nothing
    /// was set off for it.
    fn read(&self) -> Result<Vec<Line>, String> {
        let place = self.lines.display();
        let text = match std::fs::read(&self.lines) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(format!("{place} cannot be read: {why}")),
        };
        let (mut lines, mut prev) = (Vec::<Line>::new(), String::new());
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for (number, text) in whole.lines().enumerate() {
            let wrong = |what: &str| {
                format!(
                    "{place} line {}: {what}; nothing of it is told. Look who changed it, then move it away",
                    number + 1
                )
            };
            let line: Line = serde_json::from_str(text).map_err(|why| wrong(&why.to_string()))?;
            if line.prev != prev || self.mac(&line).map_err(|why| wrong(&why.to_string()))? != line.mac {
                return Err(wrong("it was changed after it was written"));
            }
            prev.clone_from(&line.mac);
            // The newest line of a halt has what its actuators did.
            lines.retain(|before| before.id != line.id);
            lines.push(line);
        }
        Ok(lines)
    }

    fn append(&self, id: Uuid, at: Time, engage: Engage) -> std::io::Result<()> {
        let before = std::fs::read(&self.lines).unwrap_or_default();
        let end = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let last = before[..end].split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let prev = last.and_then(|line| Some(serde_json::from_slice::<Line>(line).ok()?.mac));
        let mut line = Line { id, at, engage, prev: prev.unwrap_or_default(), mac: String::new() };
        line.mac = self.mac(&line)?;
        let mut file = private(&self.lines, false)?;
        if end < before.len() {
            file.set_len(end as u64)?;
        }
        file.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        file.sync_data()
    }

    fn untold(&self) -> Result<Vec<Line>, String> {
        let told = std::fs::read_to_string(&self.told).unwrap_or_default();
        Ok(self.read()?.into_iter().filter(|line| !told.lines().any(|id| id == line.id.to_string())).collect())
    }

    /// Tells the backend every halt it does not know yet; answers how many it took.
    ///
    /// # Errors
    /// A file that was changed, or what the backend says; the rest stays for the next time.
    pub async fn tell(&self, client: &Client) -> Result<Vec<Accepted>, String> {
        let mut taken = Vec::new();
        for line in self.untold()? {
            match client.submit(None, line.id, Command::Engage(line.engage)).await {
                Ok(accepted) => taken.push(accepted),
                Err(why @ ClientError::Refused(_)) => return Err(format!("a break-glass halt is refused: {why}")),
                Err(why) => return Err(why.to_string()),
            }
            let told = private(&self.told, false).and_then(|mut file| writeln!(file, "{}", line.id));
            told.map_err(|why| format!("{} cannot be written: {why}", self.told.display()))?;
        }
        Ok(taken)
    }

    /// Whether there is something to tell; a cheap look.
    pub fn is_empty(&self) -> bool {
        !self.lines.exists()
    }

    /// Fires what this host may by itself. Written down before anything is set off, and after.
    ///
    /// # Errors
    /// When nothing can be written down: nothing is set off then.
    pub async fn fire(&self, engage: Engage, actuators: &[Actuator]) -> Result<Vec<Fired>, String> {
        let place = self.lines.display();
        let keep =
            |why: std::io::Error| format!("{place} cannot be written ({why}): mend that, or stop the agent by hand");
        let (id, at) = (Uuid::now_v7(), Time::from(chrono::Utc::now()));
        let why = engage.why.clone().map_or_else(|| "break-glass".to_owned(), |why| format!("break-glass: {why}"));
        let mut engage = Engage { why: Some(why), harm_at: engage.harm_at.or(Some(at)), ..engage };
        self.append(id, at, engage.clone()).map_err(keep)?;
        for actuator in matching(&engage, actuators) {
            let now = Time::from(chrono::Utc::now());
            let occasion = outward::Occasion::break_glass(engage.scope.clone(), engage.mode, engage.why.clone(), now);
            let tried = outward::once(actuator, &occasion, now).await;
            let (name, promised_s) = (actuator.name.clone(), actuator.promised_s);
            engage.fired.push(Fired { name, at: now, promised_s, outcome: tried.outcome });
            self.append(id, at, engage.clone()).map_err(keep)?;
        }
        Ok(engage.fired)
    }
}

/// The actuators that break-glass sets off for a halt.
pub fn matching<'a>(engage: &Engage, actuators: &'a [Actuator]) -> Vec<&'a Actuator> {
    let mode: Mode = engage.mode;
    actuators.iter().filter(|one| one.break_glass && one.is_set_off_by(&engage.scope, mode)).collect()
}

fn private(path: &Path, new: bool) -> std::io::Result<std::fs::File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    if new {
        options.write(true).create_new(true)
    } else {
        options.append(true).create(true)
    };
    options.mode(0o600).open(path)
}

/// Says what was done.
///
/// # Errors
/// When something did not work.
pub fn describe(fired: &[Fired]) -> Result<(), Failed> {
    if fired.is_empty() {
        print::line("no actuator of this host goes with it: agents with a lease stop by themselves within seconds")?;
    }
    for one in fired {
        let outcome = &one.outcome;
        print::line(format!("  {}: {} ({})", one.name, outcome.state, print::clean(&outcome.status)))?;
    }
    print::line("the halt is written down, and engages as soon as the backend is reached again")?;
    let failed = fired.iter().filter(|one| one.outcome.state != crate::incident::containment::ActuatorState::Done);
    match failed.count() {
        0 => Ok(()),
        many => Err(format!("{many} of {} actuators did not work", fired.len()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_down_shows_every_edit() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::of(&Home::under(folder.path()));
        assert!(queue.is_empty() && queue.read().unwrap().is_empty());
        for _ in 0..2 {
            assert!(queue.fire(Engage::default(), &[]).await.unwrap().is_empty());
        }
        let lines = queue.read().unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].engage.harm_at.is_some() && lines[1].prev == lines[0].mac);
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&queue.lines).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        // A crash in the middle of a line.
        let mut torn = std::fs::read(&queue.lines).unwrap();
        torn.extend(b"{\"id\":\"01 \xe2\x9f");
        std::fs::write(&queue.lines, torn).unwrap();
        assert_eq!(queue.read().unwrap(), lines, "what was written before it is told");
        queue.fire(Engage::default(), &[]).await.unwrap();
        assert_eq!(queue.read().unwrap().len(), 3, "and what is written after it");
        let text = std::fs::read_to_string(&queue.lines).unwrap();
        for changed in [
            text.replacen("halt", "read-only", 1),
            text.lines().skip(1).map(|line| format!("{line}\n")).collect(),
            text.lines().rev().map(|line| format!("{line}\n")).collect(),
            format!("{text}{{}}\n"),
        ] {
            std::fs::write(&queue.lines, &changed).unwrap();
            let why = queue.read().unwrap_err();
            assert!(why.contains("line ") && why.contains("move it away"), "{why}");
        }
    }
}
