//! The event stream: resumes after every break, tells of each, and never ends by itself.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt};
use reqwest::header::HeaderMap;
use tokio::sync::{mpsc, watch};

use super::{Client, ClientError};
use crate::{
    api::{HEARTBEAT_HEADER, Live, path},
    incident::Event,
    terms::DrillId,
};

/// Longest silence of a stream that lives and does not say how often its server's heart beats.
pub(super) const SILENCE: Duration = Duration::from_secs(25);
/// How many beats of one that does may be missing, and how late the next may be.
const BEATS: u32 = 3;
const LATE: Duration = Duration::from_secs(1);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(10);
/// First pause before a broken stream is opened again.
const FIRST_PAUSE_MS: u64 = 200;
/// Longest one.
const LONGEST_PAUSE_MS: u64 = 5_000;
/// How many things wait for a slow listener; beyond it the server's side waits.
const WAITING: usize = 256;

/// One thing heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The stream stands (again); what was missed follows.
    Connected,
    /// An event, in order of position, each once.
    Event(Box<Event>),
    /// Figures that are not in the log.
    Live(Box<Live>),
    /// The stream broke and is tried again. Why, in words.
    Lost(String),
    /// The place to resume from is gone: load everything anew, then listen anew. Nothing follows.
    Resync,
}

impl Client {
    /// Listens from after `position` of `epoch`. Dropping the stream ends it.
    pub fn events(
        &self,
        world: Option<DrillId>,
        epoch: u32,
        position: u64,
    ) -> impl Stream<Item = Heard> + Send + use<> {
        let (heard, listener) = mpsc::channel(WAITING);
        let client = self.clone();
        tokio::spawn(async move { Listening { client, world, epoch, position, heard }.listen().await });
        futures_util::stream::unfold(listener, |mut listener| async move {
            listener.recv().await.map(|heard| (heard, listener))
        })
    }
}

struct Listening {
    client: Client,
    world: Option<DrillId>,
    epoch: u32,
    position: u64,
    heard: mpsc::Sender<Heard>,
}

/// Why one connection ended.
enum Ended {
    /// Nobody listens, or the place is gone.
    ForGood,
    /// It broke; whether it had stood decides the pause.
    Broke { why: String, stood: bool },
}

impl Listening {
    async fn listen(mut self) {
        let mut pause = FIRST_PAUSE_MS;
        let heard = self.heard.clone();
        loop {
            let (why, stood) = tokio::select! {
                () = heard.closed() => return,
                ended = self.connection() => match ended {
                    Ended::ForGood => return,
                    Ended::Broke { why, stood } => (why, stood),
                },
            };
            if heard.send(Heard::Lost(why)).await.is_err() {
                return;
            }
            pause = if stood { FIRST_PAUSE_MS } else { (pause * 2).min(LONGEST_PAUSE_MS) };
            // Half of the pause is drawn by chance, so that many cockpits do not come back at once.
            let drawn = u64::from(self.client.chance()) * pause / 512;
            tokio::time::sleep(Duration::from_millis(pause / 2 + drawn)).await;
        }
    }

    async fn connection(&mut self) -> Ended {
        let path = format!("{}{}", path::EVENTS, path::in_world(self.world));
        let request = self
            .client
            .request(reqwest::Method::GET, &path)
            .header("last-event-id", format!("{}:{}", self.epoch, self.position))
            .header("accept", "text/event-stream");
        let broke = |error: ClientError| Ended::Broke { why: error.to_string(), stood: false };
        let response = match tokio::time::timeout(ANSWER, self.client.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(why)) => return broke(self.client.unreachable(&*why)),
            Err(_) => {
                self.client.turn_to_the_next();
                return Ended::Broke { why: "no answer in time".into(), stood: false };
            }
        };
        let response = match self.client.checked(response).await {
            Ok(response) => response,
            Err(error) => return broke(error),
        };
        if self.heard.send(Heard::Connected).await.is_err() {
            return Ended::ForGood;
        }
        let longest = longest_silence(response.headers());
        let (alive, mut pulse) = watch::channel(());
        let bytes = response.bytes_stream().inspect(move |_| {
            alive.send_replace(());
        });
        let mut frames = std::pin::pin!(bytes.eventsource());
        loop {
            // Comments keep a stream alive and make no frame: silence is measured on the bytes.
            let frame = tokio::select! {
                frame = frames.next() => frame,
                () = silence(&mut pulse, longest) => {
                    // Its host may be gone, and would not say so.
                    self.client.turn_to_the_next();
                    return Ended::Broke { why: "the stream fell silent".into(), stood: true };
                }
            };
            let why = match frame {
                Some(Ok(frame)) => match self.take(&frame).await {
                    Ok(()) => continue,
                    Err(ended) => return ended,
                },
                Some(Err(why)) => why.to_string(),
                None => "the backend ended the stream".into(),
            };
            return Ended::Broke { why, stood: true };
        }
    }

    async fn take(&mut self, frame: &eventsource_stream::Event) -> Result<(), Ended> {
        let garbled =
            |why: serde_json::Error| Ended::Broke { why: format!("an event does not read: {why}"), stood: false };
        let heard = match frame.event.as_str() {
            "live" => Heard::Live(serde_json::from_str(&frame.data).map_err(garbled)?),
            "resync" => {
                // Whoever listens loads anew; whether it still does makes no difference here.
                let _ = self.heard.send(Heard::Resync).await;
                return Err(Ended::ForGood);
            }
            _ => {
                let event: Box<Event> = serde_json::from_str(&frame.data).map_err(garbled)?;
                if event.position <= self.position {
                    return Ok(());
                }
                self.position = event.position;
                Heard::Event(event)
            }
        };
        self.heard.send(heard).await.map_err(|_| Ended::ForGood)
    }
}

/// For how long a stream that lives may be silent.
fn longest_silence(headers: &HeaderMap) -> Duration {
    let beat = headers.get(HEARTBEAT_HEADER).and_then(|beat| beat.to_str().ok()?.parse::<u16>().ok());
    beat.map_or(SILENCE, |beat| (Duration::from_millis(beat.into()) * BEATS + LATE).min(SILENCE))
}

/// Resolves when nothing came for `longest`.
pub(super) async fn silence(pulse: &mut watch::Receiver<()>, longest: Duration) {
    loop {
        match tokio::time::timeout(longest, pulse.changed()).await {
            Ok(Ok(())) => {}
            // The sender goes with the stream, whose end is told elsewhere.
            Ok(Err(_)) => std::future::pending::<()>().await,
            Err(_) => return,
        }
    }
}
