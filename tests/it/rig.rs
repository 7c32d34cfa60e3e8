//! A real backend in its own folder, on its own socket and a port the system picks; and a client for it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use andon::{
    backend::{
        clock::{self, Clock},
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    runbook::Book,
};
use futures_util::StreamExt;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A running backend, and the folder that goes with it.
pub struct Rig {
    pub running: Running,
    pub folder: tempfile::TempDir,
    /// On the Unix socket: a person.
    pub person: Client,
    /// On loopback TCP: nobody, but of the same user.
    pub tcp: Client,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub body: Value,
}

/// An HTTP client to build.
pub fn http() -> reqwest::ClientBuilder {
    andon::tls::ready();
    Client::builder()
}

pub async fn rig() -> Rig {
    rig_in(tempfile::tempdir().unwrap()).await
}

/// Starts one in a folder that may hold an earlier one's log.
pub async fn rig_in(folder: tempfile::TempDir) -> Rig {
    rig_by_clocks(folder, clock::system(), clock::steady(), Book::shipped()).await
}

/// Starts one by another clock.
pub async fn rig_by(folder: tempfile::TempDir, clock: Clock) -> Rig {
    rig_with(folder, clock, Book::shipped()).await
}

/// Starts one with a team's own runbook.
pub async fn rig_with(folder: tempfile::TempDir, clock: Clock, runbook: Book) -> Rig {
    rig_by_clocks(folder, clock.clone(), clock, runbook).await
}

/// Starts one by a clock for what is shown, and another for what runs out.
pub async fn rig_by_clocks(folder: tempfile::TempDir, clock: Clock, steady: Clock, runbook: Book) -> Rig {
    let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(runbook));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.clock = clock;
    options.steady = steady;
    let running = start(options).await.unwrap();
    let person = http().unix_socket(running.info.socket.clone()).build().unwrap();
    let tcp = http().build().unwrap();
    Rig { running, folder, person, tcp }
}

impl Rig {
    /// The base of every URL over TCP.
    pub fn base(&self) -> String {
        format!("http://{}", self.running.info.tcp[0])
    }

    /// A request as a person on the socket.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.person.request(method, format!("http://localhost{path}"))
    }

    /// A request over TCP, with a token's secret or none.
    pub fn ask_tcp(&self, method: Method, path: &str, secret: Option<&str>) -> RequestBuilder {
        let request = self.tcp.request(method, format!("{}{path}", self.base()));
        match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        read(self.ask(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.ask(Method::POST, path).json(&body)).await
    }

    /// Posts a command under a fresh id.
    pub async fn command(&self, path: &str, command: Value) -> Answer {
        self.post(path, json!({ "id": Uuid::now_v7(), "command": command })).await
    }

    /// Makes a token and answers its secret.
    pub async fn token(&self, name: &str, role: &str, agent: Option<&str>) -> String {
        let made = self.post("/v1/tokens", json!({ "name": name, "role": role, "agent": agent })).await;
        assert_eq!(made.status, 200, "{made:?}");
        made.body["secret"].as_str().unwrap().to_owned()
    }

    /// Opens an event stream.
    pub async fn events(&self, query: &str, last: Option<&str>) -> Frames {
        let mut request = self.ask(Method::GET, &format!("/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Frames::of(request.send().await.unwrap())
    }
}

/// Sends and reads an answer whole.
pub async fn read(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    let bytes = response.bytes().await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    Answer { status, kind, body }
}

impl Answer {
    /// That this is a problem of `status` that says what to do.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.kind, "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert!(self.body["detail"].as_str().unwrap().len() > 10, "{self:?}");
        assert!(self.body["type"].as_str().unwrap().starts_with("urn:andon:"), "{self:?}");
        self
    }

    /// That this is an answer in JSON.
    #[track_caller]
    pub fn good(&self) -> &Value {
        assert_eq!(self.status, 200, "{self:?}");
        &self.body
    }
}

/// The frames of an event stream.
pub struct Frames(std::pin::Pin<Box<dyn futures_util::Stream<Item = eventsource_stream::Event> + Send>>);

impl Frames {
    pub fn of(response: Response) -> Self {
        use eventsource_stream::Eventsource;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self(Box::pin(response.bytes_stream().eventsource().filter_map(|frame| async { frame.ok() })))
    }

    /// The next frame of any kind; `None` when the stream ends.
    pub async fn any(&mut self) -> Option<eventsource_stream::Event> {
        tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("a frame within ten seconds")
    }

    /// The next event of the log, with its place.
    pub async fn event(&mut self) -> (String, Value) {
        loop {
            let frame = self.any().await.expect("the stream goes on");
            if frame.event == "message" {
                return (frame.id, serde_json::from_str(&frame.data).unwrap());
            }
        }
    }
}

/// Waits until `what` holds, at most ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A wire to a backend, which can be cut: every connection over it breaks, later ones go through again.
pub struct Wire {
    address: std::net::SocketAddr,
    backend: Arc<Mutex<String>>,
    cut: Arc<tokio::sync::Notify>,
    laid: tokio::task::JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.laid.abort();
    }
}

impl Wire {
    /// The base of every URL over it.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads later connections to another backend.
    pub fn lead_to(&self, backend: &str) {
        backend.clone_into(&mut self.backend.lock().unwrap());
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }
}

/// Lays a wire to `backend`.
pub async fn wire(backend: &str) -> Wire {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (backend, cut) = (Arc::new(Mutex::new(backend.to_owned())), Arc::new(tokio::sync::Notify::new()));
    let (cuts, far_end) = (cut.clone(), backend.clone());
    let laid = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (backend, cuts) = (far_end.lock().unwrap().clone(), cuts.clone());
            tokio::spawn(async move {
                let Ok(mut far) = tokio::net::TcpStream::connect(backend).await else { return };
                tokio::select! {
                    () = cuts.notified() => {}
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                }
            });
        }
    });
    Wire { address, backend, cut, laid }
}

/// What a script of `tests/setup` prints: where it installed what.
pub async fn setup(script: &str) -> String {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup").join(script);
    let mut installing = tokio::process::Command::new(&script);
    let done = installing.stderr(std::process::Stdio::inherit()).output().await.unwrap();
    assert!(done.status.success(), "{} installs what this test needs", script.display());
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
