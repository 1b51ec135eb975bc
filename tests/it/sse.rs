//! A client of the streams.

use std::mem;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::harness::{Server, run_id, with_timeout};

/// The path of the stream of the nth run of a test.
pub(crate) fn events_of(n: usize) -> String {
    format!("/api/runs/{}/events", run_id(n))
}

/// An event as received. The event without a name is a run.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    pub(crate) async fn open(server: &Server, path: &str) -> Self {
        Self::after("", server, path).await
    }

    /// Opens a stream as a client that reconnects does.
    pub(crate) async fn after(last_event_id: &str, server: &Server, path: &str) -> Self {
        let request = server.request(Method::GET, path);
        let request = request.header("last-event-id", last_event_id);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        Self::of(response)
    }

    /// The stream that a response is.
    pub(crate) fn of(response: Response) -> Self {
        Self {
            response,
            text: String::new(),
        }
    }

    pub(crate) fn response(&self) -> &Response {
        &self.response
    }

    /// The next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = parse(&self.next_block().await?) {
                return Some(event);
            }
        }
    }

    /// The next lines up to an empty one, as they were sent.
    pub(crate) async fn next_block(&mut self) -> Option<String> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.text[searched..].find("\n\n") {
                let rest = self.text.split_off(searched + at + 2);
                let block = mem::replace(&mut self.text, rest);
                return Some(block.trim_end_matches('\n').to_owned());
            }
            // The first of the two newlines may have arrived.
            searched = self.text.len().saturating_sub(1);
            let more = with_timeout(self.response.chunk()).await.unwrap()?;
            self.text += str::from_utf8(&more).unwrap();
        }
    }

    /// The next event other than `counts`.
    pub(crate) async fn next_but_counts(&mut self) -> Event {
        loop {
            let event = self.next().await.unwrap();
            if event.name != "counts" {
                return event;
            }
        }
    }

    /// The next run, and the id of its event.
    pub(crate) async fn next_run(&mut self) -> (Value, Option<String>) {
        let event = self.next_but_counts().await;
        assert_eq!(event.name, "", "{event:?}");
        (event.data, event.id)
    }

    /// The runs from `snapshot` to `live`, and the id of `live`.
    pub(crate) async fn snapshot(&mut self, reason: &str) -> (Vec<Value>, String) {
        let (runs, live) = self.until_live(reason).await;
        (runs, live.id.unwrap())
    }

    /// The runs from `snapshot` to `live`, and that event.
    pub(crate) async fn until_live(&mut self, reason: &str) -> (Vec<Value>, Event) {
        let snapshot = self.next_but_counts().await;
        assert_eq!(
            (&*snapshot.name, snapshot.data["reason"].as_str()),
            ("snapshot", Some(reason))
        );
        let mut runs = Vec::new();
        loop {
            let event = self.next_but_counts().await;
            if event.name == "live" {
                return (runs, event);
            }
            assert_eq!((&*event.name, &event.id), ("", &None));
            runs.push(event.data);
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let (mut name, mut id, mut data) = (String::new(), None, Vec::new());
    for line in block.split(['\n', '\r']) {
        match line.split_once(": ") {
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => data.push(value),
            _ => {}
        }
    }
    let data = data.join("\n");
    (!data.is_empty()).then(|| Event {
        name,
        id,
        data: serde_json::from_str(&data).unwrap(),
    })
}
