//! Who may do what: roles of people and the switches that each may engage, brought into force without a restart; who only
//! watches sees no verbs (TEAM.6, CON.5).

use serde_json::json;

use crate::{cli::Desk, cockpit::Seat};

/// This user's name, as the socket tells it.
fn me() -> String {
    andon::backend::identity::user_name(rustix::process::getuid().as_raw())
}

fn access(desk: &Desk, text: &str) -> String {
    std::fs::create_dir_all(desk.folder.path().join("config/runbook")).unwrap();
    desk.file("config/runbook/access.toml", text)
}

/// TEAM.6, CON.5: a role takes away what it does not name, from the next request on; switches beyond its reach are refused;
/// three roles that may fire are what readiness asks for.
#[test]
fn a_role_may_do_what_it_names_and_no_more() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3", "--workflow", "refunds"]);
    for who in ["kim", "lee"] {
        desk.by(Some(who)).done(&["note", "1", "everybody works, as long as there are no roles"]);
    }
    desk.by(None);
    let all =
        "['work', 'vouch', 'severity', 'engage', 'release', 'override', 'tokens', 'stop', 'runbook', 'declare-agents']";
    let roles = |owner: &str| {
        format!(
            "others = 'watch'\n[[role]]\nname = 'on-call-sre'\npeople = [{:?}]\nmay = {all}\n\
             [[role]]\nname = 'business-owner'\npeople = ['kim']\nmay = {owner}\n\
             only = {{ workflows = ['refunds'], modes = ['halt', 'approval'] }}\n",
            me()
        )
    };
    access(&desk, &roles("['work', 'engage']"));
    desk.done(&["runbook", "reload"]);
    let detail = desk.json(&["readiness"]).as_array().unwrap()[1]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("2 can fire"), "CON.5: {detail}");

    desk.by(Some("kim"));
    desk.done(&["halt", "--workflow", "refunds"]);
    let beyond = desk.refused(1, &["halt", "--agent", "mail-bot"]);
    assert!(beyond.contains("do not reach") && beyond.contains("mail-bot"), "{beyond}");
    assert!(desk.refused(1, &["halt"]).contains("do not reach"), "an all-agents halt is not theirs");
    assert!(desk.refused(1, &["release", "1", "--why", "seen"]).contains("none of your roles"));
    assert!(desk.refused(1, &["severity", "1", "SEV-1", "--why", "x"]).contains("none of your roles"));
    assert!(desk.refused(1, &["runbook", "reload"]).contains("none of your roles"), "nobody gives themselves a role");
    desk.by(Some("lee"));
    assert_eq!(desk.json(&["show", "1"])["id"], "INC-1", "others see");
    assert!(desk.refused(1, &["note", "1", "x"]).contains("none of your roles"));

    desk.by(None);
    access(&desk, &roles("['work', 'engage', 'release']"));
    desk.done(&["runbook", "reload"]);
    let release =
        ["release", "1", "--agent", "refund-bot", "--to", "read-only", "--why", "seen", "--override", "looked at"];
    // The table lets them now; the restart gate has its own word.
    assert!(desk.by(Some("kim")).refused(1, &release).contains("only the severity owner"));
    desk.by(None);
    access(&desk, "others = 'watch'\n[[role]]\nname = 'nobody'\npeople = []\nmay = ['engage', 'release', 'runbook']\n");
    assert!(desk.refused(1, &["runbook", "reload"]).contains("nobody could engage"), "nobody is locked out for good");
    access(&desk, "others = 'watch'\n[[role]]\nname = 'x'\npeople = []\nmay = ['engag']\n");
    assert!(desk.refused(1, &["runbook", "check"]).contains("did you mean engage?"));
}

/// CKP.1, TEAM.6: the cockpit of who only watches offers no verbs, and says why when one is tried.
#[test]
fn who_only_watches_sees_no_verbs() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3"]);
    let secret = desk.json(&["token", "make", "wall", "--role", "viewer"])["secret"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("config")).unwrap();
    let token = home.path().join("token");
    std::fs::write(&token, secret).unwrap();
    let config = format!("url = {:?}\ntoken_file = {:?}\n", desk.url(), token.display().to_string());
    std::fs::write(home.path().join("config/config.toml"), config).unwrap();
    let mut seat = Seat::open(home.path(), 120, 34, &[]);
    seat.sees("INC-1");
    seat.until("the verbs are gone", |text| !text.contains("! halt") && text.contains("? help"));
    seat.types("n");
    seat.sees("you may not work here");
    seat.types("!");
    seat.sees("you may not engage here");
    assert_eq!(desk.json(&["switches"]), json!([]));
}

/// TEAM.9: an incident that only named people see is in no list, no state, no stream and behind no number for the others; who is
/// named from now on sees it whole; an override lets somebody in, and the log says so.
#[test]
fn a_restricted_incident_is_not_there_for_others() {
    let desk = Desk::new();
    desk.done(&["declare", "a colleague is named", "--severity", "SEV-3", "--restrict-to", "lee"]);
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3"]);
    let titles = |desk: &Desk| {
        let all = desk.json(&["incidents"]);
        all.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(&desk), ["a colleague is named", "refunds paid twice"]);
    desk.by(Some("kim"));
    assert_eq!(titles(&desk), ["refunds paid twice"]);
    let nobody = desk.refused(1, &["show", "9"]).replace("INC-9", "INC-1");
    for asked in [
        vec!["show", "1"],
        vec!["log", "1"],
        vec!["postmortem", "1"],
        vec!["evidence", "list", "1"],
        vec!["note", "1", "x"],
        vec!["evidence", "freeze", "1"],
        vec!["merge", "2", "1"],
    ] {
        assert_eq!(desk.refused(1, &asked), nobody, "{asked:?}");
    }
    let secret =
        desk.by(None).json(&["token", "make", "wall", "--role", "viewer"])["secret"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("config")).unwrap();
    let token = home.path().join("token");
    std::fs::write(&token, secret).unwrap();
    let config = format!("url = {:?}\ntoken_file = {:?}\n", desk.url(), token.display().to_string());
    std::fs::write(home.path().join("config/config.toml"), config).unwrap();
    let seat = Seat::open(home.path(), 80, 24, &["--pane", "people", "1"]);
    seat.sees("● live");
    desk.done(&["note", "1", "about the colleague"]);
    desk.done(&["note", "2", "about the refunds"]);
    desk.done(&["restrict", "1", "--to", "wall", "--why", "the wall is in a closed room"]);
    seat.sees("a colleague is named");
    seat.sees("see this incident");
    desk.done(&["restrict", "1", "--to", "lee", "--why", "the room is open again"]);
    seat.until("it is gone", |text| !text.contains("colleague"));

    desk.by(Some("kim"));
    assert!(desk.refused(2, &["restrict", "1", "--enter"]).contains("--why"));
    desk.done(&["restrict", "1", "--enter", "--why", "nobody who is named answers"]);
    let log = desk.done(&["log", "1"]);
    assert!(log.contains("let themselves in: nobody who is named answers"), "{log}");
    desk.done(&["restrict", "1", "--lift", "--why", "published"]);
    assert_eq!(titles(desk.by(Some("lee"))).len(), 2);
}
