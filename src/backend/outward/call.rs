//! One page by one channel, once.

use std::time::Duration;

use super::{command, delivery::Tried, mail, paging::Page, webhook};
use crate::{
    runbook::{Channel, ChannelKind},
    terms::Time,
};

/// Where PagerDuty takes events, unless a channel names another place.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Sends `page` by `channel`.
pub async fn page(channel: &Channel, page: &Page, now: Time) -> Tried {
    let timeout = Duration::from_secs(channel.timeout_s);
    let link_local = channel.allow_link_local;
    let key = || webhook::key(channel.key_file.as_deref().unwrap_or_default());
    let called = match channel.kind {
        ChannelKind::Copy => return Tried::never("this channel is worked by hand; see channels.toml".into()),
        ChannelKind::Smtp => {
            let to = page.to.clone().or_else(|| channel.to.clone());
            let Some(to) = to else {
                return Tried::never("nobody is named: `to` of the step, or of the channel".into());
            };
            let text = page.text();
            return mail::send(channel, &mail::Mail { id: page.id(), to: &to, subject: &page.summary, text: &text })
                .await;
        }
        ChannelKind::Command => {
            let mut environment = vec![("ANDON_SUBJECT", page.summary.clone())];
            environment.extend(page.firing.map(|firing| ("ANDON_FIRING", firing.to_string())));
            environment.extend(page.to.clone().or_else(|| channel.to.clone()).map(|to| ("ANDON_TO", to)));
            environment.extend(page.incident.map(|incident| ("ANDON_INCIDENT", incident.to_string())));
            let ran = command::run_with(&channel.command, environment, Some(page.text().into_bytes()), timeout).await;
            return if ran.ok { Tried::accepted(ran.status) } else { Tried::not_yet(ran.status, None) };
        }
        ChannelKind::Webhook => {
            let secret = match webhook::secret(channel.secret_file.as_deref().unwrap_or_default()) {
                Ok(secret) => secret,
                Err(why) => return Tried::not_yet(why, None),
            };
            let (url, body) = (channel.webhook.as_deref().unwrap_or_default(), page.webhook().to_string());
            webhook::call(url, &secret, (&page.id(), now), &body, timeout, link_local).await
        }
        ChannelKind::Slack => match key() {
            Ok(url) => webhook::post(&url, &[], page.slack().to_string(), timeout, link_local).await,
            Err(why) => return Tried::not_yet(why, None),
        },
        ChannelKind::Pagerduty => match key() {
            Ok(key) => {
                let url = channel.webhook.as_deref().unwrap_or(PAGERDUTY);
                let mut called = webhook::post(url, &[], page.pagerduty(&key).to_string(), timeout, link_local).await;
                // What it calls malformed will be so at the next try.
                called.again &= called.status != "HTTP 400";
                called
            }
            Err(why) => return Tried::not_yet(why, None),
        },
    };
    called.tried()
}
