//! Coming from elsewhere: TLS, and a session by the key that a real ssh-agent holds (TEAM.6, protocol 4).

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use andon::{
    backend::{
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

impl Away {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        certificate(at, "2");
        let mut options = ServeOptions::local(Home::under(at.join("server")), Arc::new(Book::shipped()));
        options.listen = vec!["127.0.0.1:0".parse().unwrap()];
        options.signers = Some(at.join("allowed_signers"));
        options.tls = Some(TlsOptions {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            certificate: at.join("server.pem"),
            key: at.join("server.key"),
        });
        let running = start(options).await.unwrap();
        let socket = at.join("agent.sock").display().to_string();
        let said = run(at, "ssh-agent", &["-s", "-a", &socket]);
        let process = said.split("SSH_AGENT_PID=").nth(1).unwrap().split(';').next().unwrap().to_owned();
        Self { folder, running, agent: Agent { socket, process } }
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
    let health = async || {
        let root = reqwest::Certificate::from_pem(&std::fs::read(at.join("server.pem")).unwrap()).unwrap();
        let client = http().tls_certs_only([root]).build().unwrap();
        client.get(format!("{}/healthz", away.url())).send().await.is_ok_and(|answer| answer.status() == 200)
    };
    assert!(health().await);
    certificate(at, "3");
    until("the new certificate is spoken with", || async { health().await }).await;
    let plain = away.url().replace("https", "http");
    assert!(http().build().unwrap().get(format!("{plain}/healthz")).send().await.is_err(), "plain HTTP gets nothing");
    std::fs::write(at.join("server.pem"), "not a certificate").unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    std::fs::write(at.join("server.pem"), "").unwrap();
    let mut options = ServeOptions::local(Home::under(at.join("other")), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.tls =
        Some(TlsOptions { listen: Vec::new(), certificate: at.join("server.pem"), key: at.join("server.key") });
    let why = start(options).await.err().unwrap().to_string();
    assert!(why.contains("cannot be used") && why.contains("server.pem"), "{why}");
}
