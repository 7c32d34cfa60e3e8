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
