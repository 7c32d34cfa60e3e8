//! The small room of everybody who listens to a table: one thread, one slab of sockets, one buffer for each view (law 5).
//! Ten thousand tasks and bodies cost twice as much as writing to their sockets does.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use mio::{Events, Poll, Token, Waker};
use slab::Slab;
use tokio::sync::watch;

use super::{
    Interlock,
    seat::{Fate, Seat, Socket},
};
use crate::{
    backend::{core::Pulse, http::Link},
    terms::AgentId,
};

/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Heartbeats are spread over so many moments: a halt waits for one of them at most.
const BEATS: usize = 20;
/// Newcomers let in before it is looked whether a table has changed.
const AT_ONCE: usize = 64;
/// The token of the bell.
const BELL: Token = Token(usize::MAX);

/// What somebody listens to, and how it is framed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// One agent's state; everything without.
    pub agent: Option<AgentId>,
    /// In HTTP/1.1's chunks.
    pub chunked: bool,
}

/// Somebody whom the door let in.
pub struct Newcomer {
    /// The world.
    pub interlock: Arc<Interlock>,
    /// What they hear of it.
    pub view: View,
    /// The backend's epoch.
    pub epoch: u32,
}

/// The way into a room that is open.
#[derive(Clone)]
pub struct Door {
    newcomers: Sender<(Socket, Newcomer)>,
    bell: Arc<Waker>,
    closed: Arc<AtomicBool>,
}

impl Door {
    /// Hands a socket in. One that the system does not give is closed: its reader comes again.
    pub fn enter(&self, link: Link, newcomer: Newcomer) {
        match Socket::of(link) {
            Ok(socket) => {
                if self.newcomers.send((socket, newcomer)).is_ok() {
                    self.ring();
                }
            }
            Err(why) => tracing::debug!(%why, "a subscriber is not let in"),
        }
    }

    fn ring(&self) {
        if let Err(why) = self.bell.wake() {
            tracing::error!(%why, "subscribers are not told");
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.ring();
    }
}

enum State {
    Unopened,
    Open(Door, JoinHandle<()>),
    Closed,
}

/// The room; its thread begins with the first who comes.
pub struct Room {
    sick: watch::Receiver<bool>,
    state: Mutex<State>,
}

impl Room {
    /// One whose streams end when the log's `pulse` falls sick.
    pub fn new(pulse: &Pulse) -> Self {
        Self { sick: pulse.subscribe(), state: Mutex::new(State::Unopened) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way in.
    ///
    /// # Errors
    /// What the system refuses, or that the backend is stopping.
    pub fn open(&self) -> io::Result<Door> {
        let mut state = self.state();
        match &*state {
            State::Open(door, thread) if !thread.is_finished() => return Ok(door.clone()),
            State::Closed => return Err(io::Error::other("the backend is stopping")),
            State::Open(..) | State::Unopened => {}
        }
        let poll = Poll::new()?;
        let (newcomers, waiting) = channel();
        let bell = Arc::new(Waker::new(poll.registry(), BELL)?);
        let door = Door { newcomers, bell, closed: Arc::default() };
        let audience = Audience {
            poll,
            waiting,
            closed: door.closed.clone(),
            sick: self.sick.clone(),
            seats: Slab::new(),
            groups: Slab::new(),
            halls: Vec::new(),
            beat: 0,
            next_beat: Instant::now(),
            gone: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("andon-stream".to_owned()).spawn(move || audience.stay())?;
        *state = State::Open(door.clone(), thread);
        Ok(door)
    }

    /// A table was swapped.
    pub fn ring(&self) {
        if let State::Open(door, _) = &*self.state() {
            door.ring();
        }
    }

    /// Ends every stream as soon as the log falls sick, as long as it is polled.
    pub async fn hear(&self) {
        let mut sick = self.sick.clone();
        while sick.changed().await.is_ok() {
            self.ring();
        }
    }

    /// Ends every stream for good.
    pub async fn close(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Open(door, thread) = before {
            door.close();
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let State::Open(door, _) = &*self.state() {
            door.close();
        }
    }
}

/// Everybody who listens to one world.
struct Hall {
    interlock: Arc<Interlock>,
    epoch: u32,
    version: u64,
    groups: HashMap<View, usize>,
}

/// Everybody who hears the same bytes.
struct Group {
    hall: usize,
    view: View,
    version: u64,
    frame: Bytes,
    seats: Vec<usize>,
}

impl Hall {
    /// What a view reads now, and its version.
    fn frame(&self, view: &View) -> (u64, Bytes) {
        let table = self.interlock.table();
        let text = table.frame(view.agent.as_ref(), self.epoch);
        (table.version, if view.chunked { format!("{:x}\r\n{text}\r\n", text.len()).into() } else { text.into() })
    }
}

/// The room from inside.
struct Audience {
    poll: Poll,
    waiting: Receiver<(Socket, Newcomer)>,
    closed: Arc<AtomicBool>,
    sick: watch::Receiver<bool>,
    seats: Slab<Seat>,
    groups: Slab<Group>,
    halls: Vec<Hall>,
    beat: usize,
    next_beat: Instant,
    gone: Vec<usize>,
}

impl Audience {
    /// Serves everybody until the room closes.
    fn stay(mut self) {
        let mut events = Events::with_capacity(1_024);
        let mut more = false;
        loop {
            let rest = (!self.seats.is_empty()).then(|| self.next_beat.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, if more { Some(Duration::ZERO) } else { rest }) {
                Err(why) if why.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%why, "the stream's sockets cannot be watched: its readers must come again");
                    return;
                }
                _ => {}
            }
            if self.closed.load(Ordering::SeqCst) {
                return self.dismiss();
            }
            // Who listens must not take silence for leave to go on.
            if *self.sick.borrow() {
                self.dismiss();
            }
            self.tell();
            for event in &events {
                self.touched(event);
            }
            more = self.admit();
            self.beat();
            self.clear();
        }
    }

    /// Ends every stream, whole ones properly.
    fn dismiss(&mut self) {
        for mut seat in self.seats.drain() {
            seat.end(self.groups[seat.group].view.chunked);
        }
        self.groups.clear();
        for hall in &mut self.halls {
            hall.groups.clear();
        }
        while self.waiting.try_recv().is_ok() {}
    }

    /// Writes what changed to everybody whom it concerns.
    fn tell(&mut self) {
        for hall in &mut self.halls {
            let version = hall.interlock.table().version;
            if hall.version == version {
                continue;
            }
            hall.version = version;
            for &id in hall.groups.values() {
                let group = &mut self.groups[id];
                if group.version < version {
                    (group.version, group.frame) = hall.frame(&group.view);
                    let frame = &group.frame;
                    self.gone.extend(group.seats.iter().filter(|id| self.seats[**id].tell(frame) == Fate::Goes));
                }
            }
        }
    }

    /// A socket can be read or written again.
    fn touched(&mut self, event: &mio::event::Event) {
        let Token(id) = event.token();
        let Some(seat) = self.seats.get_mut(id) else { return };
        let mut fate = Fate::Stays;
        if event.is_readable() || event.is_error() {
            fate = seat.listen();
        }
        if event.is_writable() && fate == Fate::Stays {
            fate = seat.go_on(&self.groups[seat.group].frame);
        }
        if fate == Fate::Goes {
            self.gone.push(id);
        }
    }

    /// Lets some newcomers in; says whether more may wait.
    fn admit(&mut self) -> bool {
        for _ in 0..AT_ONCE {
            let Ok((socket, newcomer)) = self.waiting.try_recv() else { return false };
            let group = self.group(newcomer);
            let place = self.seats.vacant_entry();
            let id = place.key();
            let mut seat = Seat::new(socket, group, self.groups[group].seats.len());
            if let Err(why) = seat.register(self.poll.registry(), Token(id)) {
                tracing::warn!(%why, "a subscriber cannot be watched");
                self.gone.push(id);
            }
            if seat.tell(&self.groups[group].frame) == Fate::Goes {
                self.gone.push(id);
            }
            place.insert(seat);
            self.groups[group].seats.push(id);
        }
        true
    }

    /// The group that a newcomer joins.
    fn group(&mut self, newcomer: Newcomer) -> usize {
        let Newcomer { interlock, view, epoch } = newcomer;
        let known = self.halls.iter().position(|hall| Arc::ptr_eq(&hall.interlock, &interlock));
        let at = known.unwrap_or_else(|| {
            let version = interlock.table().version;
            self.halls.push(Hall { interlock, epoch, version, groups: HashMap::new() });
            self.halls.len() - 1
        });
        let hall = &mut self.halls[at];
        if let Some(group) = hall.groups.get(&view) {
            return *group;
        }
        let (version, frame) = hall.frame(&view);
        let group = self.groups.insert(Group { hall: at, view: view.clone(), version, frame, seats: Vec::new() });
        hall.groups.insert(view, group);
        group
    }

    /// Says to some that their stream lives, and drops those who do not read what they were told.
    fn beat(&mut self) {
        let now = Instant::now();
        if now < self.next_beat {
            return;
        }
        self.next_beat = now + HEARTBEAT / u32::try_from(BEATS).unwrap_or(1);
        self.beat = (self.beat + 1) % BEATS;
        for id in (self.beat..self.seats.capacity()).step_by(BEATS) {
            if let Some(seat) = self.seats.get_mut(id)
                && seat.beat(self.groups[seat.group].view.chunked, now, HEARTBEAT) == Fate::Goes
            {
                self.gone.push(id);
            }
        }
    }

    /// Forgets those who went.
    fn clear(&mut self) {
        for id in std::mem::take(&mut self.gone) {
            let Some(mut seat) = self.seats.try_remove(id) else { continue };
            seat.deregister(self.poll.registry());
            let group = &mut self.groups[seat.group];
            group.seats.swap_remove(seat.place);
            if let Some(moved) = group.seats.get(seat.place) {
                self.seats[*moved].place = seat.place;
            }
            if group.seats.is_empty() {
                let group = self.groups.remove(seat.group);
                self.halls[group.hall].groups.remove(&group.view);
            }
        }
    }
}
