//! What was asked while the backend was not reached and may be asked later: kept durably, sent once, in order (law 6,
//! protocol 6). Only additive commands wait; what restrains less, or tells others, is refused instead.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Client, ClientError};
use crate::{
    incident::{Command, IncidentCommand, communication::writing::Edit},
    terms::{DraftId, DrillId, IncidentId, Time},
};

/// What waits at most: nobody writes more by hand while a network is down.
const MOST: usize = 1_000;

/// One command that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its id: however often it is sent, it is done once.
    pub id: Uuid,
    /// The backend it is for.
    pub place: String,
    /// In which world.
    pub world: Option<DrillId>,
    /// When it was asked.
    pub at: Time,
    /// As people know it.
    pub what: String,
    /// The incident's version that the asker saw.
    pub seen: Option<u64>,
    /// What.
    pub command: Command,
}

impl Waiting {
    /// The incident it is about.
    pub fn incident(&self) -> Option<IncidentId> {
        match &self.command {
            Command::OnIncident { incident, .. } => Some(*incident),
            _ => None,
        }
    }
}

impl Waiting {
    fn edit(&self) -> Option<(IncidentId, DraftId, &Edit)> {
        match &self.command {
            Command::OnIncident { incident, ask: IncidentCommand::WriteDraft { draft, edit } } => {
                Some((*incident, *draft, edit))
            }
            _ => None,
        }
    }

    /// Whether both are written in the same draft.
    fn is_written_on(&self, other: &Self) -> bool {
        let of = |one: &Self| one.edit().map(|(incident, draft, _)| (one.place.clone(), one.world, incident, draft));
        of(self).is_some_and(|draft| of(other) == Some(draft))
    }

    /// Both edits as one, asked when the first was: a command of its own, since either's id may stand for what was sent.
    fn with(&self, other: &Self) -> Option<Self> {
        let ((incident, draft, mine), (.., more)) = (self.edit()?, other.edit()?);
        let ask = IncidentCommand::WriteDraft { draft, edit: mine.and(more).ok()? };
        let command = Command::OnIncident { incident, ask };
        Some(Self { id: Uuid::now_v7(), at: self.at, seen: self.seen, command, ..other.clone() })
    }
}

/// What became of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Which.
    pub waiting: Waiting,
    /// Why it was refused; absent where it was taken.
    pub refused: Option<String>,
}

/// A command that may wait, with the time at which it was asked in it; none where it must not.
pub fn kept(command: Command, at: Time) -> Option<Command> {
    let Command::OnIncident { incident, ask } = command else {
        return matches!(command, Command::Declare(_) | Command::Engage(_)).then_some(command);
    };
    let ask = match ask {
        IncidentCommand::Note { text, at: None } => IncidentCommand::Note { text, at: Some(at) },
        IncidentCommand::ConfirmHarm { at: None } => IncidentCommand::ConfirmHarm { at: Some(at) },
        ask @ (IncidentCommand::Note { .. }
        | IncidentCommand::ConfirmHarm { .. }
        | IncidentCommand::WriteDraft { .. }
        | IncidentCommand::TickStep { .. }) => ask,
        _ => return None,
    };
    Some(Command::OnIncident { incident, ask })
}

/// One user's outbox.
#[derive(Debug, Clone)]
pub struct Outbox {
    file: PathBuf,
}

impl Outbox {
    /// In a folder that only its user reads.
    pub fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join("outbox.jsonl") }
    }

    /// Keeps one, durably. What is written in a draft waits as one edit, however long it is written.
    ///
    /// # Errors
    /// A disk that does not take it, or an outbox that is full.
    pub fn keep(&self, waiting: &Waiting) -> std::io::Result<()> {
        let _held = self.lock("outbox.lock", FlockOperation::LockExclusive)?;
        let (mut all, torn) = self.read()?;
        // One that is being sent stays as it is: its id stands for what was sent.
        if let Ok(_sending) = self.lock("outbox.sending", FlockOperation::NonBlockingLockExclusive)
            && let Some(at) = all.iter().position(|other| other.is_written_on(waiting))
            && let Some(both) = all[at].with(waiting)
        {
            all[at] = both;
            return self.write(&all);
        }
        if all.len() >= MOST {
            return Err(std::io::Error::other(format!("{MOST} commands wait already")));
        }
        let new = !self.file.exists();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file)?;
        // A line that a crash cut short ends here: what follows is one of its own.
        let mut line = if torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, waiting)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()?;
        if new { self.settle() } else { Ok(()) }
    }

    /// What waits for the backend at `place`, in order; what cannot be read now is sent when it can.
    pub fn waiting(&self, place: &str) -> Vec<Waiting> {
        let all = self.read().inspect_err(|why| tracing::warn!(%why, "the outbox is not read")).unwrap_or_default().0;
        all.into_iter().filter(|waiting| waiting.place == place).collect()
    }

    /// Forgets one.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn forget(&self, id: Uuid) -> std::io::Result<bool> {
        let _held = self.lock("outbox.lock", FlockOperation::LockExclusive)?;
        let (mut all, _) = self.read()?;
        let before = all.len();
        all.retain(|waiting| waiting.id != id);
        if all.len() == before {
            return Ok(false);
        }
        self.write(&all)?;
        Ok(true)
    }

    fn write(&self, all: &[Waiting]) -> std::io::Result<()> {
        let beside = self.file.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        for waiting in all {
            serde_json::to_writer(&mut file, waiting)?;
            file.write_all(b"\n")?;
        }
        file.sync_data()?;
        std::fs::rename(beside, &self.file)?;
        self.settle()
    }

    /// Has the folder know the file durably.
    fn settle(&self) -> std::io::Result<()> {
        self.file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Sends what waits for `client`'s backend, one after the other; stops where it is not reached. One process sends at a time.
    ///
    /// # Errors
    /// A disk that does not take what became of one: it is sent again then, and done once.
    pub async fn send(&self, client: &Client) -> std::io::Result<Vec<Sent>> {
        let place = client.target().place();
        if self.waiting(&place).is_empty() {
            return Ok(Vec::new());
        }
        let Ok(_held) = self.lock("outbox.sending", FlockOperation::NonBlockingLockExclusive) else {
            return Ok(Vec::new());
        };
        let mut sent = Vec::new();
        for waiting in self.waiting(&place) {
            let refused = match client.submit(waiting.world, waiting.id, waiting.command.clone()).await {
                Ok(_) => None,
                // Its first asking did arrive, as it was before its time was written in: only the answer was lost.
                Err(ClientError::Refused(why)) if why.is_reused_id() => None,
                Err(ClientError::Refused(why)) if !matches!(why.status, 401 | 429 | 502..=504) => {
                    Some(why.detail.clone())
                }
                Err(why) => {
                    tracing::debug!(%why, "the outbox waits on");
                    break;
                }
            };
            self.forget(waiting.id)?;
            sent.push(Sent { waiting, refused });
        }
        Ok(sent)
    }

    /// Everything that reads, and whether the last line was cut short by a crash: it was never acknowledged.
    fn read(&self) -> std::io::Result<(Vec<Waiting>, bool)> {
        let bytes = match std::fs::read(&self.file) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
            read => read?,
        };
        let torn = bytes.last().is_some_and(|last| *last != b'\n');
        // A cut may fall into a character: each line is read for itself.
        Ok((bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect(), torn))
    }

    fn lock(&self, name: &str, how: FlockOperation) -> std::io::Result<File> {
        let path = self.file.with_file_name(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        flock(&file, how)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Engage;

    fn waiting(number: u128, what: &str) -> Waiting {
        let ask = IncidentCommand::Note { text: what.into(), at: None };
        Waiting {
            id: Uuid::from_u128(number),
            place: "https://here".into(),
            world: None,
            at: Time::from_millis(7),
            what: what.into(),
            seen: Some(3),
            command: kept(Command::OnIncident { incident: IncidentId(1), ask }, Time::from_millis(7)).unwrap(),
        }
    }

    /// Law 6: only what adds waits, with its own time; what releases, approves, tells or judges does not.
    #[test]
    fn only_additive_commands_wait() {
        let on = |ask| Command::OnIncident { incident: IncidentId(1), ask };
        let at = Time::from_millis(7);
        assert!(kept(Command::Declare(Default::default()), at).is_some());
        assert!(kept(Command::Engage(Engage::default()), at).is_some());
        assert_eq!(
            kept(on(IncidentCommand::ConfirmHarm { at: None }), at),
            Some(on(IncidentCommand::ConfirmHarm { at: Some(at) })),
            "harm was confirmed when it was asked, not when it arrived"
        );
        for no in [
            on(IncidentCommand::SetSeverity { severity: "SEV-4".into(), why: "x".into() }),
            on(IncidentCommand::Resolve { note: "over".into(), over: None }),
            Command::DecideHolds { holds: Vec::new(), approve: true, why: None, saw: None, looked_s: None },
        ] {
            assert!(kept(no.clone(), at).is_none(), "{no:?}");
        }
    }

    /// COM.5: however long somebody writes offline, one edit of a draft waits, and holds everything.
    #[test]
    fn one_edit_of_a_draft_waits() {
        use crate::incident::{Fields, communication::writing::Manuscript};
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::in_folder(folder.path());
        let beginning = |body: &str| Manuscript::beginning(&Fields { body: body.into(), ..Fields::default() });
        let edit = |number: u128, draft: u32, edit: &Edit| {
            let ask = IncidentCommand::WriteDraft { draft: DraftId(draft), edit: edit.clone() };
            Waiting { command: Command::OnIncident { incident: IncidentId(1), ask }, ..waiting(number, "edit") }
        };
        outbox.keep(&edit(1, 1, &beginning("one"))).unwrap();
        outbox.keep(&waiting(2, "a note")).unwrap();
        outbox.keep(&edit(3, 2, &beginning("another draft"))).unwrap();
        outbox.keep(&edit(4, 1, &beginning("one more"))).unwrap();
        let ids = || outbox.waiting("https://here").iter().map(|one| one.id.as_u128()).collect::<Vec<_>>();
        let both = ids()[0];
        assert_eq!(ids(), [both, 2, 3], "a new command in the first one's place");
        assert!(both != 1 && both != 4, "each of these may have been sent, and stand for what it was");
        let sending = outbox.lock("outbox.sending", FlockOperation::LockExclusive).unwrap();
        outbox.keep(&edit(5, 1, &beginning("while it is sent"))).unwrap();
        drop(sending);
        assert_eq!(ids(), [both, 2, 3, 5], "what is on its way is not changed");
    }

    #[test]
    fn what_waits_outlives_a_crash_and_is_forgotten_once() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::in_folder(folder.path());
        for number in 1..=3 {
            outbox.keep(&waiting(number, &format!("note {number}"))).unwrap();
        }
        let mut bytes = std::fs::read(&outbox.file).unwrap();
        // In the middle of a character.
        bytes.extend(b"{\"id\":\"torn \xe2\x9f");
        std::fs::write(&outbox.file, bytes).unwrap();
        let whats = |place: &str| outbox.waiting(place).into_iter().map(|one| one.what).collect::<Vec<_>>();
        assert_eq!(whats("https://here"), ["note 1", "note 2", "note 3"]);
        assert!(whats("https://there").is_empty(), "each backend has its own");
        assert!(outbox.forget(Uuid::from_u128(2)).unwrap() && !outbox.forget(Uuid::from_u128(2)).unwrap());
        assert_eq!(whats("https://here"), ["note 1", "note 3"]);
    }

    /// Law 6: what is kept after a crash in the middle of a line is a line of its own; what is not read is not written over.
    #[test]
    fn a_torn_line_takes_none_along() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::in_folder(folder.path());
        std::fs::write(&outbox.file, b"{\"id\":\"torn \xe2\x9f").unwrap();
        outbox.keep(&waiting(1, "after the crash")).unwrap();
        outbox.keep(&waiting(2, "and on")).unwrap();
        assert_eq!(outbox.waiting("https://here").len(), 2);
        std::fs::remove_file(&outbox.file).unwrap();
        std::fs::create_dir(&outbox.file).unwrap();
        assert!(outbox.keep(&waiting(3, "unread")).is_err() && outbox.forget(Uuid::from_u128(3)).is_err());
    }
}
