//! Delivers updates as ComfyDeploy does.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, header},
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{receiver::Receiver, script::ScriptedUpdate};
use crate::net::{Client, RequestError};

const TIMEOUT: Duration = Duration::from_secs(20);

/// The method of each try and the pause before it. ComfyDeploy's HTTP client forgets the method on a retry.
const TRIES: [(Method, Duration); 3] = [
    (Method::POST, Duration::ZERO),
    (Method::GET, Duration::from_millis(500)),
    (Method::GET, Duration::from_secs(1)),
];

/// What happened to an update.
pub(super) struct Delivery {
    pub(super) update: ScriptedUpdate,
    pub(super) retries: usize,
    pub(super) result: Result<(), RequestError>,
}

/// Sends updates to one receiver, `speed` times as fast as ComfyDeploy.
pub(super) struct Sender {
    client: Client,
    receiver: Receiver,
    pub(super) start: Instant,
    speed: f64,
}

impl Sender {
    pub(super) fn new(receiver: Receiver, speed: f64) -> Self {
        Self {
            client: Client::new(TIMEOUT),
            receiver,
            start: Instant::now(),
            speed,
        }
    }

    /// Waits until the update is due, then tries until the receiver accepts it, at most three times.
    pub(super) async fn deliver(&self, update: ScriptedUpdate) -> Delivery {
        sleep_until(self.start + update.at.div_f64(self.speed)).await;
        let body = Bytes::from(update.body.clone());
        let mut tries = 0;
        let mut result = Ok(());
        for (method, pause) in TRIES {
            sleep(pause.div_f64(self.speed)).await;
            result = self.client.send(self.request(method, body.clone())).await;
            tries += 1;
            if result.is_ok() && tries > update.lost_responses {
                break;
            }
        }
        Delivery {
            update,
            retries: tries - 1,
            result,
        }
    }

    fn request(&self, method: Method, body: Bytes) -> Request<Body> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.receiver.url.clone();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(authorization) = &self.receiver.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        request
    }
}
