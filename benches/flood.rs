//! A flood over the wire: actions a second that a backend takes from another process, what it refuses, its memory over time, and
//! how long halts and a cockpit's state take meanwhile (law 4).
//!
//! `cargo bench --bench flood [-- SECONDS RATE ndjson|otlp]`: RATE actions a second are offered, 50,000 where none is named;
//! 0 is as many as the senders can. Prints figures; asserts nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command as Process, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    incident::{Command, Engage},
    runbook::Book,
    telemetry::otlp::{self, Encoding},
    terms::Author,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;
use uuid::Uuid;

/// Actions in a request.
const BATCH: usize = 500;
/// Senders, each with a connection.
const SENDERS: usize = 4;
/// Agents that act.
const AGENTS: usize = 200;

/// One request's body, of its own ids.
fn body(format: &str, template: &ExportTraceServiceRequest, number: u64) -> Vec<u8> {
    let now = chrono::Utc::now();
    if format == "ndjson" {
        let action = |at: usize| {
            json!({"id": format!("{number}-{at}"), "at": now.to_rfc3339(), "agent": format!("bot-{}", at % AGENTS), "run": format!("run-{}", number % 97),
                "tool": "crm.read", "class": "read", "cost_usd": 0.0001, "tokens": {"input": 300, "output": 40}, "input": {"record": at, "why": "looked up"}})
            .to_string()
        };
        return (0..BATCH).map(action).collect::<Vec<_>>().join("\n").into_bytes();
    }
    let mut request = template.clone();
    let end = u64::try_from(now.timestamp_nanos_opt().unwrap_or_default()).unwrap_or_default();
    let spans =
        request.resource_spans.iter_mut().flat_map(|of| of.scope_spans.iter_mut()).flat_map(|of| of.spans.iter_mut());
    for (at, span) in spans.enumerate() {
        let at = at as u64;
        span.trace_id = [number.to_be_bytes(), at.to_be_bytes()].concat();
        span.span_id = (number << 16 | at).to_be_bytes().to_vec();
        (span.start_time_unix_nano, span.end_time_unix_nano) = (end - 1_000_000, end);
    }
    request.encode_to_vec()
}

/// A request of spans to be numbered: each a tool's call.
fn template() -> ExportTraceServiceRequest {
    let attribute = |key: &str, value: String| json!({"key": key, "value": {"stringValue": value}});
    let spans: Vec<_> = (0..BATCH)
        .map(|at| {
            json!({"traceId": "00000000000000000000000000000001", "spanId": "0000000000000001", "name": "execute_tool crm.read", "kind": 1,
                "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": [attribute("gen_ai.operation.name", "execute_tool".into()),
                attribute("gen_ai.tool.name", "crm.read".into()), attribute("gen_ai.agent.name", format!("bot-{}", at % AGENTS))]})
        })
        .collect();
    let request = json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": spans}]}]});
    otlp::read(request.to_string().as_bytes(), Encoding::Json).expect("a request")
}

/// One sender: offers its share, on one connection; tells what was taken and refused each second.
fn send(address: SocketAddr, format: &str, rate: f64, sender: u64) {
    let mut socket = TcpStream::connect(address).expect("connected");
    socket.set_nodelay(true).expect("no delay");
    let (path, kind) = match format {
        "ndjson" => ("/v1/actions", "application/x-ndjson"),
        _ => ("/v1/traces", "application/x-protobuf"),
    };
    let (template, mut buffer) = (template(), vec![0; 65_536]);
    let step = if rate > 0.0 { Duration::from_secs_f64(BATCH as f64 / rate) } else { Duration::ZERO };
    let (mut next, mut told, mut taken, mut refused) = (Instant::now(), Instant::now(), 0, 0);
    for number in 0.. {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = (next + step).max(Instant::now() - Duration::from_secs(1));
        let body = body(format, &template, sender << 40 | number);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&body)).expect("written");
        let read = socket.read(&mut buffer).expect("read");
        if buffer[..read].starts_with(b"HTTP/1.1 200 ") {
            taken += BATCH
        } else {
            refused += BATCH
        }
        if told.elapsed() > Duration::from_secs(1) {
            println!("{taken} {refused}");
            (told, taken, refused) = (Instant::now(), 0, 0);
        }
    }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) >> 10
}

fn millis(mut times: Vec<Duration>) -> String {
    times.sort();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default().as_secs_f64() * 1e3;
    format!("median {:.1} ms, p99 {:.1} ms, worst {:.1} ms of {}", at(0.5), at(0.99), at(0.999_999), times.len())
}

/// How long a halt takes to be recorded, and a state to be read over the wire.
async fn look(running: &Running, halts: &mut Vec<Duration>, states: &mut Vec<Duration>) {
    let mut engage = Engage { why: Some("measured".into()), ..Engage::default() };
    engage.scope.agent = format!("halted-{}", halts.len()).parse().ok();
    let began = Instant::now();
    let by = Author::Person("dana".into());
    running.backend.core.submit(None, Uuid::now_v7(), by, Command::Engage(engage)).await.expect("halted");
    halts.push(began.elapsed());
    let client = reqwest::Client::builder().unix_socket(running.info.socket.clone()).build().expect("a client");
    let began = Instant::now();
    let state = client.get("http://localhost/v1/state").send().await.expect("answered");
    state.bytes().await.expect("a state");
    states.push(began.elapsed());
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [word, address, format, rate, sender] = args.as_slice()
        && word == "send"
    {
        return send(
            address.parse().expect("an address"),
            format,
            rate.parse().expect("a rate"),
            sender.parse().expect("a number"),
        );
    }
    let seconds: u64 = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(60);
    let rate: f64 = args.get(1).and_then(|arg| arg.parse().ok()).unwrap_or(50_000.0);
    let format = args.get(2).map_or("otlp", String::as_str);
    let folder = tempfile::tempdir().expect("a folder");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        andon::tls::ready();
        let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(Book::shipped()));
        options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
        let running = start(options).await.expect("a backend");
        let mut senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let mut other = Process::new(std::env::current_exe().expect("this program"));
                other.args([
                    "send",
                    &running.info.tcp[0],
                    format,
                    &(rate / SENDERS as f64).to_string(),
                    &sender.to_string(),
                ]);
                other.stdout(Stdio::piped()).spawn().expect("a sender")
            })
            .collect();
        let (tell, told) = std::sync::mpsc::channel();
        for sender in &mut senders {
            let (lines, tell) = (BufReader::new(sender.stdout.take().expect("its words")).lines(), tell.clone());
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(tell.send(line))));
        }
        let (began, before) = (Instant::now(), resident_mib());
        let (mut halts, mut states, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        while began.elapsed() < Duration::from_secs(seconds) {
            tokio::time::sleep(Duration::from_millis(250)).await;
            look(&running, &mut halts, &mut states).await;
            memory.push(resident_mib());
        }
        let took = began.elapsed().as_secs_f64();
        for mut sender in senders {
            let _ = sender.kill();
            let _ = sender.wait();
        }
        let (mut taken, mut refused) = (0u64, 0u64);
        for line in told.try_iter() {
            let mut counts = line.split(' ').filter_map(|count| count.parse::<u64>().ok());
            taken += counts.next().unwrap_or(0);
            refused += counts.next().unwrap_or(0);
        }
        let counts = running.backend.live(None).telemetry;
        println!(
            "{format}, {rate} offered/s for {took:.0} s: {:.0} taken/s, {:.0} refused/s",
            taken as f64 / took,
            refused as f64 / took
        );
        println!("judged {}, not kept by the hot store {}", counts.accepted, counts.shed);
        let at = |share: f64| memory.get((memory.len() as f64 * share) as usize).copied().unwrap_or(0);
        println!(
            "memory: {before} MiB before; at a quarter {}, half {}, three quarters {}, most {} MiB",
            at(0.25),
            at(0.5),
            at(0.75),
            memory.iter().max().unwrap_or(&0)
        );
        println!("halt recorded: {}", millis(halts));
        println!("state of a cockpit: {}", millis(states));
        running.stop().await;
    });
}
