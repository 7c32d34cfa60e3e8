//! Typed calls. Each is bounded in time; a command whose answer is lost is asked again with the same id (law 2).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    Carrier, ClientError, Target,
    carrier::Lost,
    signing::{self, Proof},
};
use crate::{
    api::{Accepted, Acting, Ask, Problem, State, path},
    incident::Command,
    terms::DrillId,
};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the first asking of a command may take: it is asked again by its id, and a line may be dead without saying so.
const FIRST: Duration = Duration::from_secs(4);
/// How long what was sent may stay unheard of by the other end, before the connection counts as dead.
const UNHEARD: Duration = Duration::from_secs(6);
/// How long an idle connection goes without a sign of life.
const IDLE: Duration = Duration::from_secs(5);
/// How often a command whose answer was lost is asked again.
const TRIES: u32 = 3;
/// Pause before it is.
const PAUSE: Duration = Duration::from_millis(200);
/// The largest answer that is read whole.
const LARGEST: usize = 256 << 20;

/// A backend to talk to; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    /// What carries requests in place of the system's network.
    carrier: Option<Arc<dyn Carrier>>,
    /// Where it may be asked: several backends of one database are one.
    bases: Arc<[String]>,
    /// Which of them answered last.
    at: Arc<AtomicUsize>,
}

impl Client {
    /// A client of `target`; nothing is sent yet.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        crate::tls::ready();
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNHEARD)
            .tcp_keepalive(IDLE)
            .tcp_keepalive_interval(PAUSE * 10)
            .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let (builder, bases) = match &target {
            // Nothing is slow there.
            Target::Socket(socket) => {
                (builder.unix_socket(socket.clone()).gzip(false), vec!["http://localhost".to_owned()])
            }
            Target::Url { url, authority: None, .. } => (builder, bases_of(url)?),
            Target::Url { url, authority: Some(file), .. } => {
                let wrong = |why: String| {
                    ClientError::Unusable(format!("ca_file {} cannot be used: {why}. Give a PEM file", file.display()))
                };
                let pem = std::fs::read(file).map_err(|why| wrong(why.to_string()))?;
                let trusted = reqwest::Certificate::from_pem_bundle(&pem).map_err(|why| wrong(why.to_string()))?;
                (builder.tls_certs_merge(trusted), bases_of(url)?)
            }
        };
        let http =
            builder.build().map_err(|why| ClientError::Unusable(format!("cannot make an HTTP client: {why}")))?;
        Ok(Self { http, target, carrier: None, bases: bases.into(), at: Arc::default() })
    }

    /// The same, with requests carried by `carrier`.
    #[must_use]
    pub fn over(self, carrier: Arc<dyn Carrier>) -> Self {
        Self { carrier: Some(carrier), ..self }
    }

    /// Where it talks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A request to `path`, with the token where there is one.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = &self.bases[self.at.load(Ordering::Relaxed) % self.bases.len()];
        let request = self.http.request(method, format!("{base}{path}"));
        match &self.target {
            Target::Url { token: Some(token), .. } => request.bearer_auth(token.reveal()),
            _ => request,
        }
    }

    /// Sends a request; every one leaves here.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Lost> {
        match &self.carrier {
            None => Ok(request.send().await?),
            Some(carrier) => carrier.carry(request.build()?).await,
        }
    }

    /// A number drawn by chance.
    pub(super) fn chance(&self) -> u8 {
        self.carrier.as_ref().map_or_else(|| Uuid::new_v4().as_bytes()[0], |carrier| carrier.chance())
    }

    /// It did not answer: whoever asks again asks the next backend, where there are several.
    pub(super) fn unreachable(&self, why: &(dyn std::error::Error + 'static)) -> ClientError {
        self.turn_to_the_next();
        // The innermost cause says what happened; the outer ones repeat the URL.
        let mut cause = why;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        ClientError::Unreachable { place: self.target.place(), why: cause.to_string() }
    }

    /// From now on another backend of the same log is asked.
    pub(super) fn turn_to_the_next(&self) {
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn garbled(&self, why: impl ToString) -> ClientError {
        ClientError::Garbled { place: self.target.place(), why: why.to_string() }
    }

    /// The answer itself, or the problem it is.
    pub(super) async fn checked(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if matches!(status.as_u16(), 502..=504) {
            self.turn_to_the_next();
        }
        let body = response.bytes().await.map_err(|why| self.unreachable(&why))?;
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) => self.garbled(format!("status {status} without a problem")),
        })
    }

    async fn read(&self, request: RequestBuilder, within: Duration) -> Result<Vec<u8>, ClientError> {
        let response = self.send(request.timeout(within)).await.map_err(|why| self.unreachable(&*why))?;
        let mut response = self.checked(response).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|why| self.unreachable(&why))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(self.garbled("the answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        self.json_within(request, PATIENCE).await
    }

    /// Reads the answer as JSON, if it comes `within` that time.
    pub(super) async fn json_within<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<T, ClientError> {
        let body = self.read(request, within).await?;
        serde_json::from_slice(&body).map_err(|why| self.garbled(why))
    }

    /// `GET`s JSON.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path)).await
    }

    /// `GET`s text.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn get_text(&self, path: &str, accept: &str) -> Result<String, ClientError> {
        let body = self.read(self.request(Method::GET, path).header("accept", accept), PATIENCE).await?;
        String::from_utf8(body).map_err(|why| self.garbled(why))
    }

    /// `POST`s JSON once.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn post<B: Serialize + Sync, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// `DELETE`s.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::DELETE, path)).await
    }

    /// Everything to begin with, of one world.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn state(&self, world: Option<DrillId>) -> Result<State, ClientError> {
        self.get(&format!("{}{}", path::STATE, path::in_world(world))).await
    }

    /// Asks a command in a world under `id`; where the answer is lost it is asked again with the same id,
    /// and where the backend wants it signed, the SSH agent is asked to.
    ///
    /// # Errors
    /// A refusal, or no answer after some tries.
    pub async fn submit(&self, world: Option<DrillId>, id: Uuid, command: Command) -> Result<Accepted, ClientError> {
        let path = format!("{}{}", path::COMMANDS, path::in_world(world));
        let ask = Ask { id, command };
        let (mut tried, mut proof) = (1, None::<Proof>);
        loop {
            let request = self.request(Method::POST, &path).json(&ask);
            let request = match &proof {
                Some(proof) => proof.on(request),
                None => request,
            };
            let within = if tried == 1 { FIRST } else { PATIENCE };
            match self.json_within(request, within).await {
                Err(error) if error.is_lost() && tried < TRIES => {
                    tokio::time::sleep(PAUSE * tried).await;
                    tried += 1;
                }
                Err(ClientError::Refused(problem)) if proof.is_none() => {
                    let acting = Acting { name: "", world, id, command: &ask.command };
                    match signing::wanted(&problem, acting) {
                        Some(needed) => proof = Some(signing::sign(needed?).await?),
                        None => return Err(ClientError::Refused(problem)),
                    }
                }
                answer => return answer,
            }
        }
    }
}

/// One URL, or several with commas between: backends of one database.
fn bases_of(urls: &str) -> Result<Vec<String>, ClientError> {
    let named: Vec<&str> = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
    if named.is_empty() {
        return Ok(vec![base_of(urls)?]);
    }
    named.into_iter().map(base_of).collect()
}

fn base_of(url: &str) -> Result<String, ClientError> {
    let parsed = reqwest::Url::parse(url).map_err(|why| {
        ClientError::Unusable(format!("{url:?} is no URL of a backend ({why}); it looks like http://127.0.0.1:7420"))
    })?;
    match parsed.scheme() {
        "http" | "https" => Ok(url.trim_end_matches('/').to_owned()),
        other => Err(ClientError::Unusable(format!("{other}:// is no scheme of a backend; use https:// or http://"))),
    }
}
