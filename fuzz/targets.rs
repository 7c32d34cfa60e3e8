//! Every decoder that takes bytes from elsewhere, as one plain function each: libFuzzer drives them (`fuzz/`), and a loop that
//! mutates what is known to be well formed (`tests/it/fuzzing.rs`). Each may refuse whatever it is given; none may panic.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{Arc, LazyLock},
};

use andon::{
    api::Live,
    backend::{
        log::{Append, Kept, Log, LogError, Remembered, import},
        login::signers,
    },
    client::{Carrier, Client, Heard, Lost, Target},
    config,
    drill::{Foreign, Recording, injected},
    incident::{
        Draft, Event, Fields, Stream,
        communication::writing::{Edit, Manuscript},
        containment::Scope,
    },
    interlock::mcp::{frames, message::Message},
    report::bundle,
    runbook::Book,
    sshsig,
    telemetry::{
        Prices, native,
        otlp::{self, Encoding, Origin, SpanJoiner},
    },
    terms::{AgentId, Author, Printable, Time, ToolName},
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use reqwest::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// A decoder by name.
pub type Decoder = (&'static str, fn(&[u8]));

/// All of them.
pub const DECODERS: &[Decoder] = &[
    ("otlp-protobuf", |bytes| spans(bytes, Encoding::Protobuf)),
    ("otlp-json", |bytes| spans(bytes, Encoding::Json)),
    ("actions", |bytes| drop(native::decode(bytes, now()))),
    ("recording", |bytes| text(bytes, |text| drop(Recording::parse(text).map(|it| it.write())))),
    ("injected", |bytes| text(bytes, |text| drop(injected(text, now())))),
    ("agentdojo", |bytes| text(bytes, |text| drop(Foreign::AgentDojo.import(text)))),
    ("tau-bench", |bytes| text(bytes, |text| drop(Foreign::TauBench.import(text)))),
    ("cloudtrail", |bytes| text(bytes, |text| drop(Foreign::CloudTrail.import(text)))),
    ("otlp-file", |bytes| text(bytes, |text| drop(Foreign::Otlp.import(text)))),
    ("mcp", mcp),
    ("events", events),
    ("sshsig", |bytes| text(bytes, |text| drop(sshsig::read(text)))),
    ("allowed-signers", |bytes| text(bytes, |text| drop(signers::read(text)))),
    ("export", export),
    ("writing", writing),
    ("bundle", |bytes| drop(bundle::verify(Cursor::new(bytes), bytes.len() as u64))),
    ("runbook", |bytes| text(bytes, runbook)),
    ("words", |bytes| text(bytes, words)),
];

fn now() -> Time {
    Time::from_millis(1_795_000_000_000)
}

/// One thread is enough for what a client does here.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

fn text(bytes: &[u8], read: impl FnOnce(&str)) {
    read(&String::from_utf8_lossy(bytes));
}

fn spans(bytes: &[u8], encoding: Encoding) {
    let Ok(request) = otlp::read(bytes, encoding) else { return };
    let spans = otlp::spans(&request, &Prices::default(), now());
    let mut joiner = SpanJoiner::default();
    let origin = Origin { source: Arc::from("fuzz"), bound: None };
    joiner.push(spans, &origin, now());
    joiner.drain(now().plus(Time::HOUR));
}

fn mcp(bytes: &[u8]) {
    for message in [Message::read(bytes), Message::read_whole(bytes)].into_iter().flatten() {
        let again = Message::read_whole(message.line().trim_ascii_end());
        assert!(again.is_ok(), "what was passed on reads");
    }
    let mut waiting = frames::Waiting::default();
    for chunk in bytes.chunks(7) {
        if !waiting.takes(chunk, 1 << 20) {
            return;
        }
        while let Some(frame) = waiting.pop() {
            frames::data_of(&frame);
        }
    }
}

/// Answers every request with the same bytes.
#[derive(Debug)]
struct Canned(Vec<u8>);

impl Carrier for Canned {
    fn carry(&self, _: Request) -> BoxFuture<'static, Result<Response, Lost>> {
        let answer = Response::from(axum::http::Response::new(self.0.clone()));
        std::future::ready(Ok(answer)).boxed()
    }

    fn chance(&self) -> u8 {
        0
    }
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let target = Target::Url { url: "http://localhost".into(), token: None, authority: None };
    Client::new(target).expect("a client")
});

fn events(bytes: &[u8]) {
    let client = CLIENT.clone().over(Arc::new(Canned(bytes.to_vec())));
    RUNTIME.block_on(async {
        let mut heard = std::pin::pin!(client.events(None, 1, 0));
        while let Some(heard) = heard.next().await {
            match heard {
                Heard::Lost(_) | Heard::Resync => return,
                Heard::Event(event) => drop(serde_json::to_string(&event)),
                Heard::Connected | Heard::Live(_) => {}
            }
        }
    });
    drop(serde_json::from_slice::<Live>(bytes));
}

/// A log that takes everything and keeps nothing.
struct Nothing;

impl Log for Nothing {
    async fn append(&self, _: u64, _: &[Append]) -> Result<(), LogError> {
        Ok(())
    }

    async fn take(&self, _: u64, _: &[Event], _: &[Kept]) -> Result<(), LogError> {
        Ok(())
    }

    async fn commands(&self, _: Option<&Kept>, _: usize) -> Result<Vec<Kept>, LogError> {
        Ok(Vec::new())
    }

    async fn begin_epoch(&self, _: u32, _: Time) -> Result<(), LogError> {
        Ok(())
    }

    async fn probe(&self) -> Result<(), LogError> {
        Ok(())
    }

    async fn remembered(&self, _: &Author, _: Uuid) -> Result<Option<Remembered>, LogError> {
        Ok(None)
    }

    async fn read(&self, _: u64, _: usize) -> Result<Vec<Event>, LogError> {
        Ok(Vec::new())
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        Ok(Vec::new())
    }

    async fn put_aside(&self, _: &str, value: &str, _: bool) -> Result<String, LogError> {
        Ok(value.to_owned())
    }

    fn epoch(&self) -> u32 {
        1
    }
}

fn export(bytes: &[u8]) {
    drop(RUNTIME.block_on(import(&mut Cursor::new(bytes), &Nothing, now())));
}

fn writing(bytes: &[u8]) {
    let Ok(edit) = Edit::new(bytes.to_vec()) else { return };
    let beginning = Manuscript::beginning(&Fields { body: "what is known".into(), ..Fields::default() });
    let draft = Draft {
        id: andon::terms::DraftId(1),
        audience: "internal".into(),
        fields: Fields::default(),
        edits: vec![beginning.clone()],
        version: 1,
        authors: Vec::new(),
        edited_at: now(),
        sent: Vec::new(),
    };
    let Ok(manuscript) = Manuscript::of(&draft, 7) else { return };
    if manuscript.take(&edit).is_ok() {
        drop(manuscript.fields());
        drop(manuscript.whole());
    }
    drop(beginning.and(&edit));
}

fn runbook(text: &str) {
    // The whole book is read each time: one file of it by turns.
    let files = ["tripwires.toml", "severity.toml", "alerts.toml", "classes.toml", "rules.toml", "templates.toml"];
    let file = files[text.len() % files.len()];
    drop(Book::of(&BTreeMap::from([(file.to_owned(), text.to_owned())])));
    drop(config::parse(text));
}

fn words(text: &str) {
    drop((text.parse::<AgentId>(), text.parse::<ToolName>(), text.parse::<Author>()));
    drop((text.parse::<Time>(), text.parse::<Stream>(), serde_json::from_str::<Scope>(text)));
    let line = Printable::line(text).to_string();
    assert!(!line.chars().any(char::is_control), "{line:?}");
}
