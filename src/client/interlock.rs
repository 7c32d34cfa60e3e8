//! What stands beside an agent asks here: leases, checks, held calls, and the stream of what applies to it (protocol 3).

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt};
use reqwest::Method;
use tokio::sync::mpsc;

use super::{Client, ClientError, stream::SILENCE};
use crate::{
    api::{AgentView, CheckAnswer, CheckRequest, HoldView, LeaseAnswer, LeaseRequest, path},
    terms::{AgentId, HoldId},
};

/// How long a check may take before the call counts as unanswered.
const CHECK: Duration = Duration::from_secs(5);
/// Pause before a broken stream is opened again: the lease goes on meanwhile.
const PAUSE: Duration = Duration::from_millis(250);
/// How much longer than the server a client waits on a hold.
const SLACK: Duration = Duration::from_secs(5);

impl Client {
    /// Takes or renews a lease, if the answer comes `within` that time.
    ///
    /// # Errors
    /// A refusal, or no answer in time: the lease runs on, and out.
    pub async fn lease(&self, asked: &LeaseRequest, within: Duration) -> Result<LeaseAnswer, ClientError> {
        self.json_within(self.request(Method::POST, path::LEASE).json(asked), within).await
    }

    /// Asks whether a call may go on.
    ///
    /// # Errors
    /// A refusal, or no answer: whoever asks stops then.
    pub async fn check(&self, asked: &CheckRequest) -> Result<CheckAnswer, ClientError> {
        self.json_within(self.request(Method::POST, path::CHECK).json(asked), CHECK).await
    }

    /// Waits on a held call, at most `seconds`.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn wait_hold(&self, hold: HoldId, seconds: u64) -> Result<HoldView, ClientError> {
        let request = self.request(Method::GET, &format!("{}?wait_s={seconds}", path::hold(hold)));
        self.json_within(request, Duration::from_secs(seconds) + SLACK).await
    }

    /// Gives a held call up: it is never released.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn give_up_hold(&self, hold: HoldId) -> Result<HoldView, ClientError> {
        self.delete(&path::hold(hold)).await
    }

    /// What applies to `agent`, at once and at every change; opened again whenever it breaks. Dropping it ends it.
    pub fn agent_views(&self, agent: &AgentId) -> impl Stream<Item = AgentView> + Send + use<> {
        let (heard, listener) = mpsc::channel(8);
        let (client, agent) = (self.clone(), agent.clone());
        tokio::spawn(async move {
            while !heard.is_closed() {
                if let Err(why) = client.views(&agent, &heard).await {
                    tracing::debug!(%why, "the stream of switches broke");
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        futures_util::stream::unfold(listener, |mut listener| async move {
            listener.recv().await.map(|view| (view, listener))
        })
    }

    /// One connection's views.
    async fn views(&self, agent: &AgentId, heard: &mpsc::Sender<AgentView>) -> Result<(), ClientError> {
        let name: String = form_urlencoded(agent.as_str());
        let request = self.request(Method::GET, &format!("{}?agent={name}", path::STREAM));
        let sent = tokio::time::timeout(SILENCE, self.send(request.header("accept", "text/event-stream"))).await;
        let Ok(sent) = sent else { return Ok(()) };
        let response = self.checked(sent.map_err(|why| self.unreachable(&*why))?).await?;
        let (alive, mut pulse) = tokio::sync::watch::channel(());
        let bytes = response.bytes_stream().inspect(move |_| {
            alive.send_replace(());
        });
        let mut frames = std::pin::pin!(bytes.eventsource());
        loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                () = heard.closed() => return Ok(()),
                () = super::stream::silence(&mut pulse, SILENCE) => return Ok(()),
            };
            let Some(Ok(frame)) = frame else { return Ok(()) };
            let Ok(view) = serde_json::from_str::<AgentView>(&frame.data) else { continue };
            if heard.send(view).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// A text as a value of a query.
fn form_urlencoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
