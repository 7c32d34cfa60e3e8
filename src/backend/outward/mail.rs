//! One mail by SMTP: plain, STARTTLS or TLS, to one recipient, under one Message-ID through every try.

use std::{os::unix::fs::MetadataExt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::delivery::Tried;
use crate::runbook::{Channel, Security};

/// One mail.
pub struct Mail<'m> {
    /// The same for every try.
    pub id: String,
    /// One address.
    pub to: &'m str,
    /// In a line.
    pub subject: &'m str,
    /// Exactly what.
    pub text: &'m str,
}

/// Sends `mail` once.
pub async fn send(channel: &Channel, mail: &Mail<'_>) -> Tried {
    let message = match message(channel, mail) {
        Ok(message) => message,
        Err(why) => return Tried::never(why),
    };
    // The password and the authority's file are read for each try: mended, they hold from the next one on.
    let mailer = match mailer(channel) {
        Ok(mailer) => mailer,
        Err(why) => return Tried::not_yet(why, None),
    };
    let within = Duration::from_secs(channel.timeout_s);
    // What fails before the text is handed over may be tried again without harm.
    match tokio::time::timeout(within, mailer.test_connection()).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return Tried::not_yet("the server does not answer as one of mail".into(), None),
        Ok(Err(why)) if why.is_permanent() => return Tried::never(words(&why)),
        Ok(Err(why)) => return Tried::not_yet(words(&why), None),
        Err(_) => return Tried::not_yet(format!("no answer in {} s", channel.timeout_s), None),
    }
    match tokio::time::timeout(within, mailer.send(message)).await {
        Ok(Ok(response)) => {
            let said = response.message().collect::<Vec<_>>().join(" ");
            Tried::accepted(format!("{} {said}", response.code()).trim().to_owned())
        }
        Ok(Err(why)) => {
            let said = words(&why);
            match why.is_permanent() {
                true => Tried::never(said),
                // The server took the text and never said whether it keeps it.
                false if why.is_timeout() => Tried::unsure(said),
                false => Tried::not_yet(said, None),
            }
        }
        Err(_) => Tried::unsure(format!("no answer in {} s", channel.timeout_s)),
    }
}

fn message(channel: &Channel, mail: &Mail<'_>) -> Result<Message, String> {
    let mailbox = |what: &str, text: &str| {
        text.parse::<Mailbox>().map_err(|why| format!("{what} {text:?} is no mail address: {why}"))
    };
    let from = mailbox("from", channel.from.as_deref().unwrap_or_default())?;
    let place = from.email.domain().to_owned();
    Message::builder()
        .from(from)
        .to(mailbox("to", mail.to)?)
        .subject(mail.subject)
        .message_id(Some(format!("<{}@{place}>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.to_owned())
        .map_err(|why| format!("it is no mail: {why}"))
}

fn mailer(channel: &Channel) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let host = channel.host.as_deref().unwrap_or_default();
    let tls = || -> Result<TlsParameters, String> {
        crate::tls::ready();
        let mut tls = TlsParameters::builder(host.to_owned());
        if let Some(file) = &channel.ca_file {
            let pem = std::fs::read(file).map_err(|why| format!("the ca_file {file} cannot be read: {why}"))?;
            let authority = Certificate::from_pem(&pem).map_err(|why| format!("the ca_file {file}: {why}"))?;
            tls = tls.add_root_certificate(authority);
        }
        tls.build_rustls().map_err(|why| format!("TLS for {host}: {why}"))
    };
    let (tls, port) = match channel.security {
        Security::None => (Tls::None, 25),
        Security::Starttls => (Tls::Required(tls()?), 587),
        Security::Tls => (Tls::Wrapper(tls()?), 465),
    };
    let mut mailer = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(channel.port.unwrap_or(port))
        .timeout(Some(Duration::from_secs(channel.timeout_s)))
        .tls(tls);
    if let Some(user) = &channel.user {
        mailer = mailer.credentials(Credentials::new(user.clone(), password(channel)?));
    }
    Ok(mailer.build())
}

/// The password, from the environment or a file that only its owner may read; its words never hold it.
fn password(channel: &Channel) -> Result<String, String> {
    if let Some(name) = &channel.password_env {
        return std::env::var(name)
            .map_err(|_| format!("{name} is not in the backend's environment; set it, or use password_file"));
    }
    let file = channel.password_file.as_deref().unwrap_or_default();
    let mode = std::fs::metadata(file).map_err(|why| format!("the password_file {file} cannot be read: {why}"))?.mode();
    if mode & 0o077 != 0 {
        return Err(format!("the password_file {file} can be read by others: chmod 600 {file}"));
    }
    let text =
        std::fs::read_to_string(file).map_err(|why| format!("the password_file {file} cannot be read: {why}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// What went wrong, with what lies beneath it.
fn words(why: &lettre::transport::smtp::Error) -> String {
    let mut said = why.to_string();
    let mut cause = std::error::Error::source(why);
    while let Some(inner) = cause {
        let inner_said = inner.to_string();
        if !said.contains(&inner_said) {
            said = format!("{said}: {inner_said}");
        }
        cause = inner.source();
    }
    said
}
