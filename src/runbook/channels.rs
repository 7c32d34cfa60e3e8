//! Ways a draft leaves the house, as data (COM.5).

use serde::{Deserialize, Serialize};

use super::{RunbookError, nearest, read::wrong};
use crate::terms::words;

words! {
    /// How a channel sends.
    ChannelKind, "a kind of channel" {
        /// A person carries the text; nothing is sent.
        Copy = "copy",
        /// A signed call.
        Webhook = "webhook",
        /// Mail, one message to each recipient.
        Smtp = "smtp",
        /// A program that reads the text.
        Command = "command",
        /// A chat's incoming webhook, as Slack has it; its URL is the secret.
        Slack = "slack",
        /// PagerDuty's Events API v2; pages only.
        Pagerduty = "pagerduty",
    }
}

words! {
    /// How the way to a mail server is kept from others.
    Security, "a kind of security" {
        /// Not at all.
        None = "none",
        /// Plain until the server is asked; never plain after.
        Starttls = "starttls",
        /// From the first byte.
        Tls = "tls",
    }
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name, unique.
    pub name: String,
    /// How it sends.
    pub kind: ChannelKind,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Only for these audiences; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Whom it reaches where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How long one try may take, seconds.
    #[serde(default = "timeout")]
    pub timeout_s: u64,
    /// The URL of a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The file with the webhook's `whsec_` secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<String>,
    /// The file with PagerDuty's routing key, or with a chat's webhook URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// The webhook's host may be link-local, where clouds keep credentials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_link_local: bool,
    /// A program and its arguments; no shell reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port; the usual one of its security where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the way there is kept from others.
    #[serde(default = "starttls")]
    pub security: Security,
    /// From whom mail comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whom the mail server lets in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The file with that one's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
    /// The environment's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// Certificates of one's own authority, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

fn timeout() -> u64 {
    20
}

fn starttls() -> Security {
    Security::Starttls
}

impl Channel {
    /// Whether it takes what is written for `audience`.
    pub fn takes(&self, audience: &str) -> bool {
        self.audiences.is_empty() || self.audiences.iter().any(|one| one.eq_ignore_ascii_case(audience))
    }

    /// What it is, in words.
    pub fn words(&self) -> String {
        match (self.title.is_empty(), self.kind) {
            (false, _) => self.title.clone(),
            (true, ChannelKind::Copy) => "by hand".into(),
            (true, ChannelKind::Webhook) => "signed webhook".into(),
            (true, ChannelKind::Slack) => "posts in a chat".into(),
            (true, ChannelKind::Pagerduty) => "pages by PagerDuty".into(),
            (true, ChannelKind::Smtp) => format!("mail by {}", self.host.as_deref().unwrap_or_default()),
            (true, ChannelKind::Command) => format!("runs {}", self.command.first().map_or("", String::as_str)),
        }
    }

    /// What keeps it from being one, in words.
    fn lacks(&self) -> Option<String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Some("has no name of small letters, digits and dashes".into());
        }
        if !(1..=600).contains(&self.timeout_s) {
            return Some("has a timeout_s outside of 1 to 600".into());
        }
        let given = [
            ("webhook", self.webhook.is_some() && self.kind != ChannelKind::Pagerduty, ChannelKind::Webhook),
            ("key_file", self.key_file.is_some() && self.kind != ChannelKind::Slack, ChannelKind::Pagerduty),
            ("secret_file", self.secret_file.is_some(), ChannelKind::Webhook),
            (
                "allow_link_local",
                self.allow_link_local && !matches!(self.kind, ChannelKind::Slack | ChannelKind::Pagerduty),
                ChannelKind::Webhook,
            ),
            ("command", !self.command.is_empty(), ChannelKind::Command),
            ("host", self.host.is_some(), ChannelKind::Smtp),
            ("port", self.port.is_some(), ChannelKind::Smtp),
            ("from", self.from.is_some(), ChannelKind::Smtp),
            ("user", self.user.is_some(), ChannelKind::Smtp),
            ("password_file", self.password_file.is_some(), ChannelKind::Smtp),
            ("password_env", self.password_env.is_some(), ChannelKind::Smtp),
            ("ca_file", self.ca_file.is_some(), ChannelKind::Smtp),
        ];
        if let Some((key, _, of)) = given.iter().find(|(_, given, of)| *given && *of != self.kind) {
            return Some(format!("is of kind {}: {key} is for kind {of}", self.kind));
        }
        match self.kind {
            ChannelKind::Copy => None,
            ChannelKind::Slack | ChannelKind::Pagerduty => {
                self.key_file.is_none().then(|| "needs a key_file, which only its owner can read".into())
            }
            ChannelKind::Command => self.command.is_empty().then(|| "needs a command".into()),
            ChannelKind::Webhook => match (&self.webhook, &self.secret_file) {
                (Some(url), _) if !(url.starts_with("https://") || url.starts_with("http://")) => {
                    Some(format!("calls {url:?}, which is no http(s) URL"))
                }
                (Some(_), Some(_)) => None,
                (None, _) => Some("needs a webhook, the URL to call".into()),
                (_, None) => Some("calls a webhook and has no secret_file to sign with".into()),
            },
            ChannelKind::Smtp => self.lacks_for_mail(),
        }
    }

    fn lacks_for_mail(&self) -> Option<String> {
        if self.host.as_deref().is_none_or(|host| host.trim().is_empty()) {
            return Some("needs a host, the mail server".into());
        }
        if !self.from.as_deref().is_some_and(|from| from.contains('@')) {
            return Some("needs from, an address like incidents@example.com".into());
        }
        match (&self.user, &self.password_file, &self.password_env) {
            (_, Some(_), Some(_)) => Some("has both password_file and password_env: keep one".into()),
            (None, Some(_), _) | (None, _, Some(_)) => Some("has a password and no user".into()),
            (Some(_), None, None) => Some("has a user and neither password_file nor password_env".into()),
            (Some(_), ..) if self.security == Security::None => {
                Some("would send its password in the clear: security is starttls or tls with a user".into())
            }
            _ => None,
        }
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsText {
    #[serde(default)]
    channel: Vec<Channel>,
}

impl ChannelsText {
    /// The channels, each of them whole, for audiences there are; `copy` is always one of them.
    pub(super) fn whole(self, file: &str, audiences: &[&str]) -> Result<Vec<Channel>, RunbookError> {
        let mut channels: Vec<Channel> = Vec::new();
        for channel in self.channel {
            let no = |what: String| Err(wrong(file, None, format!("channel {:?} {what}", channel.name)));
            if let Some(what) = channel.lacks() {
                return no(what);
            }
            if channels.iter().any(|one| one.name == channel.name) {
                return no("stands twice".into());
            }
            let stranger = channel.audiences.iter().find(|one| !audiences.contains(&one.as_str()));
            if let Some(stranger) = stranger {
                let hint = nearest(stranger, audiences.iter().copied());
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return no(format!("is for {stranger:?}, which is no audience of templates.toml{hint}"));
            }
            channels.push(channel);
        }
        if !channels.iter().any(|one| one.name == "copy") {
            channels.insert(0, copy());
        }
        Ok(channels)
    }
}

fn copy() -> Channel {
    Channel {
        name: "copy".into(),
        kind: ChannelKind::Copy,
        title: "copied by hand".into(),
        audiences: Vec::new(),
        to: None,
        timeout_s: timeout(),
        webhook: None,
        secret_file: None,
        key_file: None,
        allow_link_local: false,
        command: Vec::new(),
        host: None,
        port: None,
        security: starttls(),
        from: None,
        user: None,
        password_file: None,
        password_env: None,
        ca_file: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runbook::Runbook;

    fn read(text: &str) -> Result<Vec<Channel>, String> {
        let texts = BTreeMap::from([("channels.toml".to_owned(), text.to_owned())]);
        Runbook::from_texts(&texts).map(|runbook| runbook.channels).map_err(|why| why.to_string())
    }

    /// COM.5: what ships sends nothing by itself, and its examples read.
    #[test]
    fn what_ships_is_carried_by_hand() {
        let shipped = Runbook::shipped().channels;
        assert!(shipped.iter().all(|channel| channel.kind == ChannelKind::Copy) && shipped.len() == 4);
        let text = crate::runbook::SHIPPED.iter().find(|(name, _)| *name == "channels.toml").unwrap().1;
        let example: String = text
            .lines()
            .skip_while(|line| !line.starts_with("# [[channel]]"))
            .map(|line| format!("{}\n", line.trim_start_matches("# ").trim_start_matches('#')))
            .collect();
        let channels = read(&example).unwrap();
        let kinds: Vec<ChannelKind> = channels.iter().map(|one| one.kind).collect();
        assert_eq!(
            kinds,
            [
                ChannelKind::Copy,
                ChannelKind::Smtp,
                ChannelKind::Webhook,
                ChannelKind::Pagerduty,
                ChannelKind::Slack,
                ChannelKind::Command
            ]
        );
        assert!(channels[1].takes("customer") && !channels[1].takes("board") && channels[2].takes("board"));
    }

    #[test]
    fn a_channel_is_whole_or_refused_by_name() {
        let one = |rest: &str| format!("[[channel]]\nname = \"a\"\n{rest}");
        let mail = "kind = \"smtp\"\nhost = \"h\"\nfrom = \"a@b\"\n";
        assert_eq!(read(&one(mail)).unwrap()[1].security, Security::Starttls);
        for (rest, says) in [
            ("kind = \"command\"", "needs a command"),
            ("kind = \"smpt\"", "did you mean smtp?"),
            ("kind = \"webhook\"\nwebhook = \"https://x\"", "secret_file"),
            ("kind = \"webhook\"\nsecret_file = \"s\"", "needs a webhook"),
            ("kind = \"webhook\"\nwebhook = \"file:///etc\"\nsecret_file = \"s\"", "no http(s) URL"),
            ("kind = \"copy\"\nhost = \"h\"", "host is for kind smtp"),
            ("kind = \"smtp\"\nfrom = \"a@b\"", "needs a host"),
            ("kind = \"smtp\"\nhost = \"h\"\nfrom = \"nobody\"", "needs from"),
            (&format!("{mail}user = \"u\""), "neither password_file"),
            (&format!("{mail}password_env = \"P\""), "no user"),
            (&format!("{mail}user = \"u\"\npassword_env = \"P\"\nsecurity = \"none\""), "in the clear"),
            (&format!("{mail}hots = \"x\""), "did you mean"),
            ("kind = \"copy\"\naudiences = [\"custommer\"]", "did you mean customer?"),
            ("kind = \"copy\"\n[[channel]]\nname = \"a\"\nkind = \"copy\"", "twice"),
        ] {
            let why = read(&one(rest)).unwrap_err();
            assert!(why.contains("channels.toml") && why.contains(says), "{rest}: {why}");
        }
    }
}
