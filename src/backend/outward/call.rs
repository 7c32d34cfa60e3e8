//! One page by one channel, once; and a word about it later.

use std::time::Duration;

use serde_json::Value;

use super::{
    command,
    delivery::Tried,
    mail,
    paging::{Page, Told},
    webhook,
};
use crate::{
    runbook::{Channel, ChannelKind},
    terms::Time,
};

/// Where PagerDuty takes events, unless a channel names another place.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Sends `page` by `channel`.
pub async fn page(channel: &Channel, page: &Page, now: Time) -> Tried {
    match channel.kind {
        ChannelKind::Copy => by_hand(),
        ChannelKind::Smtp => mailed(channel, page, &page.id(), &page.summary, &page.text()).await,
        ChannelKind::Command => {
            let mut environment = vec![("ANDON_SUBJECT", page.summary.clone())];
            environment.extend(page.firing.map(|firing| ("ANDON_FIRING", firing.to_string())));
            environment.extend(page.to.clone().or_else(|| channel.to.clone()).map(|to| ("ANDON_TO", to)));
            environment.extend(page.incident.map(|incident| ("ANDON_INCIDENT", incident.to_string())));
            environment.extend(page.link.clone().map(|link| ("ANDON_ACK_URL", link)));
            let (input, timeout) = (Some(page.text().into_bytes()), Duration::from_secs(channel.timeout_s));
            let ran = command::run_with(&channel.command, environment, input, timeout).await;
            if ran.ok { Tried::accepted(ran.status) } else { Tried::not_yet(ran.status, None) }
        }
        ChannelKind::Webhook => hooked(channel, &page.id(), page.webhook(), now).await,
        ChannelKind::Slack => chatted(channel, page.slack()).await,
        ChannelKind::Pagerduty => enqueued(channel, |key| page.pagerduty(key)).await,
    }
}

/// Tells the pager of `channel` what became of its page.
pub async fn told(channel: &Channel, told: &Told<'_>, now: Time) -> Tried {
    match channel.kind {
        ChannelKind::Copy | ChannelKind::Command => by_hand(),
        ChannelKind::Smtp => mailed(channel, &told.page, &told.id(), &told.line(), &told.text()).await,
        ChannelKind::Webhook => hooked(channel, &told.id(), told.webhook(now), now).await,
        ChannelKind::Slack => chatted(channel, told.slack()).await,
        ChannelKind::Pagerduty => enqueued(channel, |key| told.pagerduty(key)).await,
    }
}

fn by_hand() -> Tried {
    Tried::never("this channel is worked by hand; see channels.toml".into())
}

fn key(channel: &Channel) -> Result<String, String> {
    webhook::key(channel.key_file.as_deref().unwrap_or_default())
}

async fn mailed(channel: &Channel, page: &Page, id: &str, subject: &str, text: &str) -> Tried {
    let to = page.to.clone().or_else(|| channel.to.clone());
    let Some(to) = to else {
        return Tried::never("nobody is named: `to` of the step, or of the channel".into());
    };
    mail::send(channel, &mail::Mail { id: id.to_owned(), to: &to, subject, text }).await
}

async fn hooked(channel: &Channel, id: &str, body: Value, now: Time) -> Tried {
    let secret = match webhook::secret(channel.secret_file.as_deref().unwrap_or_default()) {
        Ok(secret) => secret,
        Err(why) => return Tried::not_yet(why, None),
    };
    let (url, timeout) = (channel.webhook.as_deref().unwrap_or_default(), Duration::from_secs(channel.timeout_s));
    webhook::call(url, &secret, (id, now), &body.to_string(), timeout, channel.allow_link_local).await.tried()
}

async fn chatted(channel: &Channel, body: Value) -> Tried {
    let url = match key(channel) {
        Ok(url) => url,
        Err(why) => return Tried::not_yet(why, None),
    };
    let timeout = Duration::from_secs(channel.timeout_s);
    webhook::post(&url, &[], body.to_string(), timeout, channel.allow_link_local).await.tried()
}

async fn enqueued(channel: &Channel, body: impl FnOnce(&str) -> Value) -> Tried {
    let body = match key(channel) {
        Ok(key) => body(&key).to_string(),
        Err(why) => return Tried::not_yet(why, None),
    };
    let (url, timeout) = (channel.webhook.as_deref().unwrap_or(PAGERDUTY), Duration::from_secs(channel.timeout_s));
    let mut called = webhook::post(url, &[], body, timeout, channel.allow_link_local).await;
    // What it calls malformed will be so at the next try.
    called.again &= called.status != "HTTP 400";
    called.tried()
}
