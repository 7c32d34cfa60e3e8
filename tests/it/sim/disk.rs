//! The backend's disk: the real SQLite log, whose threads the simulation waits for, so that simulated time alone says how
//! long a write takes, when it fails, and whether a crash falls before or after it.

use std::{
    path::Path,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use andon::{
    backend::log::{Append, Kept, Log, LogError, Remembered, SqliteLog},
    incident::Event,
    terms::{Author, Time},
};
use uuid::Uuid;

use super::chance::Chance;

struct Bell(Thread);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for work of other threads, at no simulated time.
pub fn at_once<T>(work: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Bell(std::thread::current())));
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A log on that disk.
pub struct Disk {
    log: SqliteLog,
    chance: Mutex<Chance>,
    fails: Arc<AtomicBool>,
}

impl Disk {
    pub fn open(file: &Path, now: Time, chance: Chance, fails: Arc<AtomicBool>) -> Result<Self, LogError> {
        let log = at_once(SqliteLog::open(file, now))?;
        Ok(Self { log, chance: Mutex::new(chance), fails })
    }

    /// A crash may fall here.
    async fn turn(&self) {
        let pause = self.chance.lock().unwrap().millis(0, 12);
        tokio::time::sleep(pause).await;
    }

    /// One write: some time before it is durable, and some until that is known.
    async fn write<T>(&self, work: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
        self.turn().await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(LogError::Full);
        }
        let done = at_once(work);
        self.turn().await;
        done
    }
}

impl Log for Disk {
    async fn append(&self, expected: u64, batch: &[Append]) -> Result<(), LogError> {
        self.write(self.log.append(expected, batch)).await
    }

    async fn take(&self, expected: u64, events: &[Event], commands: &[Kept]) -> Result<(), LogError> {
        self.write(self.log.take(expected, events, commands)).await
    }

    async fn commands(&self, after: Option<&Kept>, limit: usize) -> Result<Vec<Kept>, LogError> {
        at_once(self.log.commands(after, limit))
    }

    async fn begin_epoch(&self, epoch: u32, now: Time) -> Result<(), LogError> {
        self.write(self.log.begin_epoch(epoch, now)).await
    }

    async fn probe(&self) -> Result<(), LogError> {
        self.write(self.log.probe()).await
    }

    async fn remembered(&self, author: &Author, id: Uuid) -> Result<Option<Remembered>, LogError> {
        self.turn().await;
        at_once(self.log.remembered(author, id))
    }

    async fn read(&self, position: u64, limit: usize) -> Result<Vec<Event>, LogError> {
        self.turn().await;
        at_once(self.log.read(position, limit))
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        at_once(self.log.asides())
    }

    async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, LogError> {
        self.write(self.log.put_aside(name, value, over)).await
    }

    fn epoch(&self) -> u32 {
        self.log.epoch()
    }
}
