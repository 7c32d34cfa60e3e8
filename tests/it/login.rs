//! Coming from elsewhere: TLS, and a session by the key that a real ssh-agent holds (TEAM.6, protocol 4).

use std::{
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use andon::{
    backend::{
        clock,
        home::Home,
        serve::{Running, ServeOptions, TlsOptions, start},
    },
    runbook::Book,
};
use serde_json::{Value, json};

use crate::rig::{http, until};

/// A backend that speaks TLS, and a person elsewhere with an SSH agent.
struct Away {
    folder: tempfile::TempDir,
    running: Running,
    agent: Agent,
    /// How far the backend's clock goes before the system's.
    ahead: Arc<AtomicI64>,
}

/// A real ssh-agent, gone with the test.
struct Agent {
    socket: String,
    process: String,
}

impl Drop for Agent {
    fn drop(&mut self) {
        Command::new("kill").arg(&self.process).status().ok();
    }
}

fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn certificate(folder: &Path, days: &str) {
    run(
        folder,
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            days,
            "-subj",
            "/CN=andon test",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
        ],
    );
}

fn options(at: &Path, ahead: &Arc<AtomicI64>) -> ServeOptions {
    let mut options = ServeOptions::local(Home::under(at.join("server")), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.signers = Some(at.join("allowed_signers"));
    let (real, ahead) = (clock::system(), ahead.clone());
    options.clock = Arc::new(move || real().plus(ahead.load(Ordering::SeqCst)));
    options.tls = Some(TlsOptions {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        certificate: at.join("server.pem"),
        key: at.join("server.key"),
    });
    options
}

impl Away {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        certificate(at, "2");
        let ahead = Arc::default();
        let running = start(options(at, &ahead)).await.unwrap();
        let socket = at.join("agent.sock").display().to_string();
        let said = run(at, "ssh-agent", &["-s", "-a", &socket]);
        let process = said.split("SSH_AGENT_PID=").nth(1).unwrap().split(';').next().unwrap().to_owned();
        Self { folder, running, agent: Agent { socket, process }, ahead }
    }

    /// The backend is stopped, and another begins on the same log.
    async fn again(self) -> Self {
        let Self { folder, running, agent, ahead } = self;
        running.stop().await;
        let running = start(options(folder.path(), &ahead)).await.unwrap();
        Self { folder, running, agent, ahead }
    }

    /// What the person's machine keeps of the only session.
    fn session(&self) -> Value {
        let kept = std::fs::read(self.folder.path().join("person/data/sessions.json")).unwrap();
        serde_json::from_slice::<Value>(&kept).unwrap()[self.url()].clone()
    }

    fn url(&self) -> String {
        format!("https://{}", self.running.info.tls[0])
    }

    /// Makes a key of a kind, and has the agent hold it; its public line.
    fn key(&self, name: &str, kind: &str) -> String {
        let at = self.folder.path();
        run(at, "ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", name, "-f", name]);
        std::fs::read_to_string(at.join(format!("{name}.pub"))).unwrap().trim().to_owned()
    }

    fn add(&self, name: &str) {
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(self.folder.path().join(name)).env("SSH_AUTH_SOCK", &self.agent.socket);
        assert!(add.output().unwrap().status.success());
    }

    fn allow(&self, text: &str) {
        std::fs::write(self.folder.path().join("allowed_signers"), text).unwrap();
    }

    fn andon(&self, args: &[&str]) -> Output {
        let at = self.folder.path();
        Command::new(env!("CARGO_BIN_EXE_andon"))
            .args(args)
            .envs([("ANDON_HOME", at.join("person")), ("ANDON_CA_FILE", at.join("server.pem"))])
            .envs([("ANDON_URL", self.url()), ("SSH_AUTH_SOCK", self.agent.socket.clone())])
            .env_remove("ANDON_TOKEN")
            .env_remove("ANDON_CONFIG")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let out = self.andon(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, args: &[&str], says: &str) {
        let out = self.andon(args);
        let why = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && why.contains(says), "{args:?}: {says:?} is not in {why}");
    }
}

/// TEAM.6: over TLS and from elsewhere a person is nobody until their agent signed; then they work under their own name, until
/// they log out. Keys, namespaces and names that are not theirs open nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_with_the_key_their_agent_holds() {
    let away = Away::new().await;
    let (dana, other) = (away.key("dana", "ed25519"), away.key("other", "ecdsa"));
    away.refused(&["incidents"], "a token is needed here");
    away.refused(&["login", "dana"], "holds no such key");
    away.add("other");
    away.refused(&["login", "dana"], "allowed_signers");
    away.allow(&format!("dana,dana@jump namespaces=\"login@andon.dev\" {dana}\nkim namespaces=\"git\" {other}\n"));
    away.refused(&["login", "dana"], "may not log in with this key");
    away.refused(&["login", "kim"], "may not log in with this key");
    away.add("dana");
    // Two keys in the agent: the second fits.
    let session = away.json(&["login", "dana", "--json"]);
    assert_eq!(session["name"], "dana");
    away.json(&["declare", "seen from afar", "--severity", "SEV-3", "--json"]);
    let shown = away.json(&["show", "1", "--json"]);
    assert_eq!(shown["declared_by"], "dana", "people act under their own name");
    away.refused(&["login", "root"], "may not log in with this key");
    let kept = std::fs::metadata(away.folder.path().join("person/data/sessions.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept.permissions()) & 0o777, 0o600);

    // A line that does not read lets nobody in: it might be one that restricts.
    away.allow(&format!("dana verify-required {dana}\n"));
    away.refused(&["login", "dana"], "does not read");
    away.json(&["logout", "--json"]);
    away.refused(&["incidents"], "a token is needed here");
}

/// TEAM.6: a certificate by an authority of allowed_signers logs in whom it names, as real OpenSSH makes it; `ssh-keygen -Y
/// sign` is as good as the agent, and a challenge is answered once.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_ssh_keygen_sign_as_well() {
    let away = Away::new().await;
    let at = away.folder.path();
    let authority = away.key("authority", "ed25519");
    for (who, hours) in [("lee", "+1h"), ("late", "-1h:-30m")] {
        away.key(who, "ed25519");
        run(at, "ssh-keygen", &["-q", "-s", "authority", "-I", who, "-n", who, "-V", hours, &format!("{who}.pub")]);
    }
    away.allow(&format!("lee,late cert-authority {authority}\n"));
    away.add("late");
    away.refused(&["login", "late"], "certificate does not hold");
    away.add("lee");
    assert_eq!(away.json(&["login", "lee", "--key", at.join("lee.pub").to_str().unwrap(), "--json"])["name"], "lee");
    away.refused(&["login", "late", "--key", at.join("lee.pub").to_str().unwrap()], "certificate does not hold");

    // By hand, with OpenSSH's own tool.
    let root = reqwest::Certificate::from_pem(&std::fs::read(at.join("server.pem")).unwrap()).unwrap();
    let client = http().tls_certs_merge([root]).build().unwrap();
    let post = async |path: &str, body: Value| {
        let answer = client.post(format!("{}{path}", away.url())).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let plain = away.key("plain", "ed25519");
    away.allow(&format!("plain {plain}\n"));
    let sign = |text: &str, namespace: &str| {
        std::fs::write(at.join("challenge"), text).unwrap();
        std::fs::remove_file(at.join("challenge.sig")).ok();
        run(at, "ssh-keygen", &["-q", "-Y", "sign", "-n", namespace, "-f", "plain", "challenge"]);
        std::fs::read_to_string(at.join("challenge.sig")).unwrap()
    };
    let (_, challenge) = post("/v1/login/challenge", json!(null)).await;
    let text = challenge["text"].as_str().unwrap().to_owned();
    let answer = json!({"name": "plain", "challenge": text, "signature": sign(&text, "login@andon.dev")});
    let (status, session) = post("/v1/login", answer.clone()).await;
    assert_eq!((status, &session["name"]), (200, &json!("plain")));
    assert_eq!(post("/v1/login", answer).await.0, 401, "a challenge is answered once");
    let (_, challenge) = post("/v1/login/challenge", json!(null)).await;
    let text = challenge["text"].as_str().unwrap();
    let answer = json!({"name": "plain", "challenge": text, "signature": sign(text, "git")});
    assert!(
        post("/v1/login", answer).await.1["detail"].as_str().unwrap().contains("namespace"),
        "made for git, good for git"
    );
    let forged =
        json!({"name": "plain", "challenge": "until for ever", "signature": sign("until for ever", "login@andon.dev")});
    assert_eq!(post("/v1/login", forged).await.0, 401, "only a challenge of ours counts");

    // A session sees the stream of events, over TLS.
    let secret = session["secret"].as_str().unwrap();
    let stream = client.get(format!("{}/v1/events?after=0", away.url())).bearer_auth(secret).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut frames = crate::rig::Frames::of(stream);
    assert_eq!(frames.event().await.1["type"], "runbook-taken");
}

/// TLS: a renewed certificate is taken without a restart; a listener that everybody can reach needs one.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_without_a_restart() {
    let away = Away::new().await;
    let at = away.folder.path();
    let file = || std::fs::read(at.join("server.pem")).unwrap();
    let health = async |pem: &[u8]| {
        let root = reqwest::Certificate::from_pem(pem).unwrap();
        let client = http().tls_certs_only([root]).build().unwrap();
        client.get(format!("{}/healthz", away.url())).send().await.is_ok_and(|answer| answer.status() == 200)
    };
    let first = file();
    assert!(health(&first).await);
    certificate(at, "3");
    let renewed = file();
    until("the new certificate is spoken with", || async { health(&renewed).await }).await;
    assert!(!health(&first).await);
    let plain = away.url().replace("https", "http");
    assert!(http().build().unwrap().get(format!("{plain}/healthz")).send().await.is_err(), "plain HTTP gets nothing");
    std::fs::write(at.join("server.pem"), "not a certificate").unwrap();
    // For longer than it takes until the files are looked at again.
    for _ in 0..30 {
        assert!(health(&renewed).await, "the old one stays in force");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    std::fs::write(at.join("server.pem"), "").unwrap();
    let mut options = ServeOptions::local(Home::under(at.join("other")), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.tls =
        Some(TlsOptions { listen: Vec::new(), certificate: at.join("server.pem"), key: at.join("server.key") });
    let why = start(options).await.err().unwrap().to_string();
    assert!(why.contains("cannot be used") && why.contains("server.pem"), "{why}");
}

impl Away {
    /// The id of a switch that is engaged over an agent.
    fn halted(&self, agent: &str) -> String {
        let halted = self.json(&["halt", "--agent", agent, "--why", "paid twice", "--json"]);
        halted["id"].as_str().unwrap().to_owned()
    }

    fn is_engaged(&self, switch: &str) -> bool {
        let all = self.json(&["switches", "--json"]);
        all.as_array().unwrap().iter().any(|one| one["id"] == *switch && one["state"] == "engaged")
    }
}

/// Protocol 4: what lifts a restraint is signed by the person's key, the very command: a session that was taken, or a process
/// under the same uid, releases nothing. Who has no key here is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_signed_by_the_persons_key() {
    let away = Away::new().await;
    let (dana, _) = (away.key("dana", "ed25519"), away.key("other", "ed25519"));
    away.allow(&format!("dana {dana}\n"));
    away.add("dana");
    away.json(&["login", "dana", "--json"]);
    let switch = away.halted("refund-bot");
    let doctor = away.json(&["doctor", "--json"]).to_string();
    assert!(doctor.contains("signed by a key of yours"), "{doctor}");

    // The session without the key: a thief of the file, or an agent of the same uid.
    run(away.folder.path(), "env", &[&format!("SSH_AUTH_SOCK={}", away.agent.socket), "ssh-add", "-q", "-D"]);
    away.refused(&["release", &switch, "--why", "safe again"], "holds none of them; ssh-add it");
    away.add("other");
    away.refused(&["release", &switch, "--why", "safe again"], "needs a fresh signature by a key of dana");
    assert!(away.is_engaged(&switch));
    // Halting needs no such thing, at any time.
    away.halted("mail-bot");

    away.add("dana");
    away.json(&["release", &switch, "--why", "safe again", "--json"]);
    assert!(!away.is_engaged(&switch));
}

/// Protocol 4: with OpenSSH's own tool over the wire; a signature is good for its own command, once, for a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_good_for_one_command() {
    let away = Away::new().await;
    let at = away.folder.path();
    let dana = away.key("dana", "ed25519");
    away.allow(&format!("dana {dana}\n"));
    away.add("dana");
    away.json(&["login", "dana", "--json"]);
    let (first, second) = (away.halted("refund-bot"), away.halted("mail-bot"));
    let secret = away.session()["secret"].as_str().unwrap().to_owned();
    let root = reqwest::Certificate::from_pem(&std::fs::read(at.join("server.pem")).unwrap()).unwrap();
    let client = http().tls_certs_merge([root]).build().unwrap();
    let ask = async |id: uuid::Uuid, switch: &str, proof: Option<(&str, &str)>| {
        let body = json!({"id": id, "command": {"command": "release", "switch": switch, "why": "safe again"}});
        let request = client.post(format!("{}/v1/commands", away.url())).bearer_auth(&secret).json(&body);
        let request = match proof {
            Some((text, signature)) => {
                request.header("andon-challenge", encoded(text)).header("andon-signature", encoded(signature))
            }
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let sign = |text: &str| {
        std::fs::write(at.join("act"), text).unwrap();
        std::fs::remove_file(at.join("act.sig")).ok();
        run(at, "ssh-keygen", &["-q", "-Y", "sign", "-n", "login@andon.dev", "-f", "dana", "act"]);
        std::fs::read_to_string(at.join("act.sig")).unwrap()
    };
    let id = uuid::Uuid::now_v7();
    let (status, needed) = ask(id, &first, None).await;
    assert_eq!((status, needed["type"].as_str()), (401, Some("urn:andon:signature-needed")), "{needed}");
    let text = needed["state"]["challenge"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("act on andon\nas \"dana\"\nin the real world\n") && text.contains(&id.to_string()));
    let signature = sign(&text);

    for (id, switch, text, signature) in [
        (id, &second, text.clone(), signature.clone()),
        (uuid::Uuid::now_v7(), &first, text.clone(), signature.clone()),
        (id, &first, text.replace("nonce ", "nonce 0"), signature.clone()),
        (id, &first, text.clone(), sign("something else")),
    ] {
        let (status, refused) = ask(id, switch, Some((&text, &signature))).await;
        assert_eq!((status, refused["type"].as_str()), (401, Some("urn:andon:unauthenticated")), "{refused}");
    }
    // Neither opens a session what was signed to act.
    let login = json!({"name": "dana", "challenge": text, "signature": signature});
    assert_eq!(client.post(format!("{}/v1/login", away.url())).json(&login).send().await.unwrap().status(), 401);

    let (status, done) = ask(id, &first, Some((&text, &signature))).await;
    assert_eq!((status, done["events"].as_array().map(Vec::len)), (200, Some(1)), "{done}");
    let (status, again) = ask(id, &first, Some((&text, &signature))).await;
    assert_eq!((status, &again["events"]), (200, &done["events"]), "asked twice, done once");

    let id = uuid::Uuid::now_v7();
    let (_, needed) = ask(id, &second, None).await;
    let text = needed["state"]["challenge"]["text"].as_str().unwrap().to_owned();
    let signature = sign(&text);
    away.ahead.store(60_000, Ordering::SeqCst);
    let (status, late) = ask(id, &second, Some((&text, &signature))).await;
    assert!(status == 401 && late["detail"].as_str().unwrap().contains("too old"), "{late}");
}

fn encoded(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

/// TEAM.6, TEAM.7: a session is on the record and holds at whichever backend of the log is asked, one begun anew among them;
/// logged out, it holds at none.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_the_backend_that_gave_it() {
    let away = Away::new().await;
    let dana = away.key("dana", "ed25519");
    away.allow(&format!("dana {dana}\n"));
    away.add("dana");
    away.json(&["login", "dana", "--json"]);
    let kept = away.session();
    let away = away.again().await;
    let secret = kept["secret"].as_str().unwrap().to_owned();
    let root = reqwest::Certificate::from_pem(&std::fs::read(away.folder.path().join("server.pem")).unwrap()).unwrap();
    let client = http().tls_certs_merge([root]).build().unwrap();
    let state = client.get(format!("{}/v1/state", away.url())).bearer_auth(&secret);
    let known: Value = state.try_clone().unwrap().send().await.unwrap().json().await.unwrap();
    assert_eq!((known["you"]["name"].as_str(), known["you"]["signs"].as_bool()), (Some("dana"), Some(true)));
    let out = client.delete(format!("{}/v1/login", away.url())).bearer_auth(&secret);
    assert_eq!(out.send().await.unwrap().status(), 200);
    let away = away.again().await;
    let state = client.get(format!("{}/v1/state", away.url())).bearer_auth(&secret);
    assert_eq!(state.send().await.unwrap().status(), 401);
}
