//! Requests that are prepared before the load starts: under load, only digits are written into them.

use std::fmt::Display;

use crate::servers::WEBHOOK;

/// Placeholder for the number of a run.
const RUN: &str = "@@@@@@@@@@@@";

/// Placeholder for a number that grows with each request, so that every update changes something.
const COUNT: &str = "#########";

/// A request with placeholders.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    runs: Vec<usize>,
    counts: Vec<usize>,
}

impl Template {
    pub(crate) fn new(request: &str) -> Self {
        let places = |mark: &str| request.match_indices(mark).map(|(at, _)| at).collect();
        Self {
            bytes: request.as_bytes().to_vec(),
            runs: places(RUN),
            counts: places(COUNT),
        }
    }

    pub(crate) fn update(body: &str) -> Self {
        // The same head as that of ComfyDeploy's client.
        Self::new(&format!(
            "POST {WEBHOOK}?target_events=run.output,run.updated HTTP/1.1\r\n\
             Host: 127.0.0.1:8080\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n\
             User-Agent: Python/3.11 aiohttp/3.11.12\r\nContent-Length: {}\r\n\
             Content-Type: application/json\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
        ))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes digits into the placeholders.
    pub(crate) fn fill(&mut self, run: u64, count: u64) {
        write(&mut self.bytes, &self.runs, &digits::<12>(run));
        write(&mut self.bytes, &self.counts, &digits::<9>(count));
    }
}

fn write(bytes: &mut [u8], places: &[usize], digits: &[u8]) {
    for &at in places {
        bytes[at..at + digits.len()].copy_from_slice(digits);
    }
}

fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// The first update of a run: about 120 bytes.
pub(crate) fn queued() -> String {
    format!(
        r#"{{"event_type":"run.updated","status":"queued","run_id":"{}","outputs":[]}}"#,
        run_id()
    )
}

/// An update of the progress of a run, in the wire dialect: about 160 bytes.
pub(crate) fn progress() -> String {
    format!(
        r#"{{"event_type":"run.updated","status":"running","live_status":"Executing KSampler","progress":0.{COUNT},"run_id":"{}","outputs":[]}}"#,
        run_id()
    )
}

/// The last update of a run, with one image: about 640 bytes.
pub(crate) fn closing() -> String {
    done(&output(0))
}

/// The same with an output that the run does not have yet.
pub(crate) fn closing_with_new_output() -> String {
    done(&output_with(COUNT, &image()))
}

/// The last update of a run, with outputs of `kb` KB, one image each.
pub(crate) fn with_outputs(kb: usize) -> String {
    let one = output(0).len() + 1;
    let outputs: Vec<_> = (0..(kb * 1000).div_ceil(one)).map(output).collect();
    done(&outputs.join(","))
}

/// The last update of a run, with one output of `kb` KB of images.
pub(crate) fn with_one_output(kb: usize) -> String {
    let images = vec![image(); (kb * 1000).div_ceil(image().len() + 1)].join(",");
    done(&output_with(0, &images))
}

fn done(outputs: &str) -> String {
    format!(
        r#"{{"event_type":"run.updated","status":"success","live_status":null,"progress":0.98,"run_id":"{}","outputs":[{outputs}]}}"#,
        run_id()
    )
}

fn output(n: usize) -> String {
    output_with(n, &image())
}

fn output_with(n: impl Display, images: &str) -> String {
    let run = run_id();
    format!(
        r#"{{"id":"3b241101-e2bb-4255-8caf-{n:0>12}","run_id":"{run}","data":{{"images":[{images}]}},"node_meta":{{"node_id":"9","node_class":"SaveImage"}},"created_at":"2026-03-01T12:00:41.207Z","updated_at":"2026-03-01T12:00:41.{COUNT}Z","type":null,"node_id":"9"}}"#
    )
}

fn image() -> String {
    format!(
        r#"{{"url":"https://storage.example.com/outputs/runs/{}/ComfyUI_00001_.png","type":"output","filename":"ComfyUI_00001_.png","subfolder":"","is_public":true,"upload_duration":0.412}}"#,
        run_id()
    )
}

fn run_id() -> String {
    format!("7c9e6679-7425-40de-944b-{RUN}")
}
