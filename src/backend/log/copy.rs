//! A whole log from one place to another, or through JSON Lines, each link checked on the way (EVI.4, TEAM.7).

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Kept, Log, LogError};
use crate::{
    incident::{
        Event,
        chain::{Broken, Links},
    },
    terms::Time,
};

/// Events and commands moved at a time.
const PAGE: usize = 2_000;
/// Longest line of an export, in bytes: an event holds a draft at most.
const LONGEST: u64 = 64 << 20;

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Events.
    pub events: u64,
    /// Commands that answer their first result still.
    pub commands: u64,
    /// SHA-256 (hex) over every event's hash, in order.
    pub digest: String,
    /// The life of the log that begins there.
    pub epoch: u32,
}

/// Why a log is not moved.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// Where it goes there is one.
    #[error("there is a log already: a log is moved into an empty place, so that no two are mixed")]
    NotEmpty,
    /// A store does not answer.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A link does not hold.
    #[error("the chain is broken at {0}; nothing after it was taken")]
    Broken(#[from] Broken),
    /// A file that cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// A line that is none of an export.
    #[error("line {line} of the export does not read: {why}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// What was written is not what was read.
    #[error("what was written does not read back as it was: keep the old log, and look at the disk or the database")]
    Differs,
}

/// One line of an export.
#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
enum Line {
    /// The first.
    Andon {
        /// Of this format.
        version: u32,
        /// Of the log.
        epoch: u32,
    },
    /// One event, as on the wire.
    Event(Box<Event>),
    /// One command's memory.
    Command(Kept),
    /// The last: without it the file was cut short.
    End {
        /// Lines of each kind.
        events: u64,
        /// The same.
        commands: u64,
    },
}

/// A whole log, page by page: every event in order, then every command's memory.
struct Pages<'f, F> {
    from: &'f F,
    after: u64,
    last: Option<Kept>,
}

impl<'f, F: Log> Pages<'f, F> {
    fn of(from: &'f F) -> Self {
        Self { from, after: 0, last: None }
    }

    /// The next events; none after the last.
    async fn events(&mut self) -> Result<Option<Vec<Event>>, LogError> {
        let page = self.from.read(self.after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.position;
        Ok(Some(page))
    }

    /// The next commands; none after the last.
    async fn commands(&mut self) -> Result<Option<Vec<Kept>>, LogError> {
        let page = self.from.commands(self.last.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.last = Some(last.clone());
        Ok(Some(page))
    }
}

/// Takes events and commands into an empty log, and checks what it took.
struct Taker<'t, T> {
    to: &'t T,
    links: Links,
    events: Vec<Event>,
    commands: Vec<Kept>,
    position: u64,
    moved: (u64, u64),
    digest: Sha256,
}

impl<'t, T: Log> Taker<'t, T> {
    async fn new(to: &'t T) -> Result<Self, NotMoved> {
        if !to.read(0, 1).await?.is_empty() || !to.commands(None, 1).await?.is_empty() {
            return Err(NotMoved::NotEmpty);
        }
        let (events, commands) = (Vec::new(), Vec::new());
        Ok(Self { to, links: Links::default(), events, commands, position: 0, moved: (0, 0), digest: Sha256::new() })
    }

    async fn event(&mut self, event: Event) -> Result<(), NotMoved> {
        self.links.follow(&event)?;
        self.digest.update(&event.hash);
        self.events.push(event);
        if self.events.len() >= PAGE { self.flush().await } else { Ok(()) }
    }

    async fn command(&mut self, command: Kept) -> Result<(), NotMoved> {
        self.commands.push(command);
        if self.commands.len() >= PAGE { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), NotMoved> {
        self.to.take(self.position, &self.events, &self.commands).await?;
        self.position = self.events.last().map_or(self.position, |event| event.position);
        self.moved = (self.moved.0 + self.events.len() as u64, self.moved.1 + self.commands.len() as u64);
        self.events.clear();
        self.commands.clear();
        Ok(())
    }

    /// Everything is there: it begins a life of its own, and reads back as it was.
    async fn done(mut self, epoch: u32, now: Time) -> Result<Moved, NotMoved> {
        self.flush().await?;
        self.to.begin_epoch(epoch, now).await?;
        let (mut pages, mut read) = (Pages::of(self.to), Sha256::new());
        while let Some(page) = pages.events().await? {
            page.iter().for_each(|event| read.update(&event.hash));
        }
        let digest = hex::encode(self.digest.finalize());
        if hex::encode(read.finalize()) != digest {
            return Err(NotMoved::Differs);
        }
        Ok(Moved { events: self.moved.0, commands: self.moved.1, digest, epoch })
    }
}

/// Moves a whole log: every event, every command's memory; the copy begins a new life, so that readers come anew.
///
/// # Errors
/// A place that is not empty, a link that does not hold, or a store that does not answer.
pub async fn copy<F: Log, T: Log>(from: &F, to: &T, now: Time) -> Result<Moved, NotMoved> {
    let (mut taker, mut pages) = (Taker::new(to).await?, Pages::of(from));
    while let Some(page) = pages.events().await? {
        for event in page {
            taker.event(event).await?;
        }
    }
    while let Some(page) = pages.commands().await? {
        for command in page {
            taker.command(command).await?;
        }
    }
    // What is kept beside it goes along: hooks go on, and links hold.
    for (name, value) in from.asides().await? {
        to.put_aside(&name, &value, true).await?;
    }
    taker.done(from.epoch() + 1, now).await
}

/// Writes a whole log as JSON Lines; what is kept beside it stays where it is, a key among it.
///
/// # Errors
/// A log that does not read, or a file that takes no more.
pub async fn export<F: Log>(from: &F, to: &mut impl Write) -> Result<Moved, NotMoved> {
    let mut links = Links::default();
    let (mut events, mut commands, mut digest) = (0, 0, Sha256::new());
    let mut put = |line: &Line| -> Result<(), NotMoved> {
        serde_json::to_writer(&mut *to, line).map_err(std::io::Error::from)?;
        Ok(to.write_all(b"\n")?)
    };
    put(&Line::Andon { version: 1, epoch: from.epoch() })?;
    let mut pages = Pages::of(from);
    while let Some(page) = pages.events().await? {
        for event in page {
            links.follow(&event)?;
            digest.update(&event.hash);
            events += 1;
            put(&Line::Event(Box::new(event)))?;
        }
    }
    while let Some(page) = pages.commands().await? {
        for command in page {
            commands += 1;
            put(&Line::Command(command))?;
        }
    }
    put(&Line::End { events, commands })?;
    Ok(Moved { events, commands, digest: hex::encode(digest.finalize()), epoch: from.epoch() })
}

/// Takes an export into an empty log.
///
/// # Errors
/// A place that is not empty, a file that was cut or changed, or a store that does not answer.
pub async fn import<T: Log>(from: &mut impl BufRead, to: &T, now: Time) -> Result<Moved, NotMoved> {
    let mut taker = Taker::new(to).await?;
    let (mut number, mut epoch, mut seen, mut ended) = (0, None, (0, 0), None);
    loop {
        let mut text = String::new();
        let read = std::io::Read::take(&mut *from, LONGEST).read_line(&mut text)?;
        if read == 0 {
            break;
        }
        number += 1;
        let wrong = |why: String| NotMoved::Line { line: number, why };
        if !text.ends_with('\n') {
            return Err(wrong("it is cut short".into()));
        }
        let line: Line = serde_json::from_str(&text).map_err(|why| wrong(why.to_string()))?;
        match (line, epoch) {
            _ if ended.is_some() => return Err(wrong("something follows the end".into())),
            (Line::Andon { version: 1, epoch: of }, None) => epoch = Some(of),
            (Line::Andon { version, .. }, None) => {
                return Err(wrong(format!("an export of version {version}; this andon reads version 1")));
            }
            (Line::Event(event), Some(_)) => {
                seen.0 += 1;
                taker.event(*event).await?;
            }
            (Line::Command(command), Some(_)) => {
                seen.1 += 1;
                taker.command(command).await?;
            }
            (Line::End { events, commands }, Some(_)) => ended = Some((events, commands)),
            (_, None) => return Err(wrong("the first line says that it is an export of andon".into())),
            (Line::Andon { .. }, Some(_)) => return Err(wrong("a second beginning".into())),
        }
    }
    let line = number + 1;
    match (epoch, ended) {
        (Some(epoch), Some(told)) if told == seen => taker.done(epoch + 1, now).await,
        (_, Some(_)) => Err(NotMoved::Line { line, why: "lines are missing: the end counts others".into() }),
        _ => Err(NotMoved::Line { line, why: "the end is missing: the file was cut short".into() }),
    }
}
