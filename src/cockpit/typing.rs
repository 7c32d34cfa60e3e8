//! What is typed, read by a task of its own. Polling the event stream by hand would leave it with a waker that wakes
//! nobody; a channel can be drained safely.

use std::io;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::{sync::mpsc, task::JoinHandle};

/// Events waiting for the loop.
const WAITING: usize = 256;

/// Reads the terminal until it is stopped.
pub struct Typing {
    events: mpsc::Receiver<io::Result<Event>>,
    task: JoinHandle<()>,
}

impl Typing {
    /// Begins to read.
    pub fn begin() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(event) = stream.next().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        Self { events, task }
    }

    /// The next event; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// An event that waits already.
    pub fn waiting(&mut self) -> Option<io::Result<Event>> {
        self.events.try_recv().ok()
    }

    /// Stops reading, so that an editor or the shell gets every key.
    pub async fn stop(self) {
        self.task.abort();
        self.task.await.ok();
    }
}
