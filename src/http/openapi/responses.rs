//! What the types cannot say of the API: when there is which problem.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{Content, Header, Ref, RefOr, Response, ResponseBuilder},
};

/// A status, and when it is answered.
type When = (&'static str, &'static str);

const ANY: &[When] = &[
    ("431", "The headers are larger than --max-header"),
    ("500", "The service failed; its log says why"),
    ("501", "The Transfer-Encoding is another than chunked"),
];

const PLAIN: &[When] = &[("400", "The request breaks HTTP/1.1")];

const GUARDED: &[When] = &[("401", "A token is needed: there was none, or a wrong one")];

const METRICS: &[When] = &[("503", "Too many copies wait for their readers")];

const READ: &[When] = &[
    (
        "400",
        "A parameter is wrong, or the request breaks HTTP/1.1",
    ),
    (
        "503",
        "As many answers as --max-in-flight allows wait for their readers, or there are as many streams and \
         waiting requests as --max-subscribers allows",
    ),
];

const ONE_RUN: &[When] = &[(
    "404",
    "No update of this run has arrived, or it is no longer kept",
)];

const UPDATE: &[When] = &[
    (
        "400",
        "The body is not JSON, not UTF-8, empty or cut short, or the request breaks HTTP/1.1",
    ),
    ("405", "Neither POST nor a retry"),
    ("408", "The body had not arrived after --body-timeout"),
    (
        "413",
        "The body is larger than --max-body, or the run would outgrow its share of --max-bytes",
    ),
    (
        "415",
        "The body is not application/json, or it is compressed",
    ),
    (
        "422",
        "The body is JSON, but one of the fields is wrong, or is there twice",
    ),
    (
        "503",
        "As many bodies as --max-in-flight allows are on their way",
    ),
];

fn problems(tables: &[&[When]]) -> BTreeMap<String, RefOr<Response>> {
    let described = tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|(status, when)| {
            let schema = Content::new(Some(Ref::from_schema_name("Problem")));
            let response = ResponseBuilder::new().description(*when);
            // What is wrong with the headers alone is answered before anything can describe it.
            let response = match *status {
                "431" => response,
                _ => response.content("application/problem+json", schema),
            };
            let response = match *status {
                "401" => response.header("WWW-Authenticate", Header::default()),
                "405" => response.header("Allow", Header::default()),
                "503" => response.header("Retry-After", Header::default()),
                _ => response,
            };
            ((*status).to_owned(), response.build().into())
        });
    described.collect()
}

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident: $tables:expr;)*) => {$(
        $(#[$doc])*
        pub(in crate::http) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                problems($tables)
            }
        }
    )*};
}

described! {
    /// The problems that a probe may meet.
    ProbeProblems: &[ANY, PLAIN];
    /// The problems that reading may meet where all are sent the same.
    FileProblems: &[ANY, PLAIN, GUARDED];
    /// The problems that reading the metrics may meet.
    MetricsProblems: &[ANY, PLAIN, GUARDED, METRICS];
    /// The problems that reading runs may meet.
    ReadProblems: &[ANY, GUARDED, READ];
    /// The problems that reading one run may meet.
    OneRunProblems: &[ANY, GUARDED, READ, ONE_RUN];
    /// The problems that an update may meet.
    UpdateProblems: &[ANY, GUARDED, UPDATE];
}
