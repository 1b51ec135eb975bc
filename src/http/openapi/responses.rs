//! What the types cannot say of the API: which problems an operation may return, and when.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{Content, Header, Ref, RefOr, Response, ResponseBuilder},
};

/// A status, and when it is the response.
type When = (&'static str, &'static str);

// Not what hyper itself answers to a malformed or too large head: that has no body, so the type of an error would be a
// problem or nothing, and a client that checks `error` would not know that otherwise there is `data`.
const ANY: &[When] = &[
    ("500", "The service failed; its log says why"),
    ("501", "The Transfer-Encoding is not chunked"),
];

const PLAIN: &[When] = &[("400", "The request has a body, or breaks HTTP/1.1")];

const READINESS: &[When] = &[(
    "503",
    "The service is shutting down, reads the runs from the database, or cannot write the database: the detail says which",
)];

const GUARDED: &[When] = &[
    ("401", "The token is missing or wrong"),
    ("503", "All connections are busy"),
];

const READER: &[When] = &[(
    "403",
    "Without READ_TOKEN: the host is a public name that is not among --allow-host; or a browser asks for runs as a \
     picture, a video or a sound",
)];

const RESTORING: &[When] = &[(
    "503",
    "All connections are busy, to read the runs from the database at start takes longer than 5 s, or the service is \
     shutting down meanwhile",
)];

const READ: &[When] = &[
    (
        "400",
        "A parameter is wrong, or the request has a body or breaks HTTP/1.1",
    ),
    (
        "503",
        "There are as many streams and waiting requests as --max-subscribers allows, all connections are busy, to \
         read the runs from the database at start takes longer than 5 s, or the database cannot be read",
    ),
];

const ONE_RUN: &[When] = &[(
    "404",
    "No update of this run has arrived, it is kept neither in memory nor in the database, or it does not have the label",
)];

const UPDATE: &[When] = &[
    (
        "400",
        "The body is not JSON, not UTF-8, empty or cut short, or the request breaks HTTP/1.1",
    ),
    ("405", "Neither POST nor a retry"),
    ("408", "The body did not arrive within --body-timeout"),
    ("413", "The body is larger than --max-body"),
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
        "Newer bodies used up --max-in-flight before this one was complete, all connections are busy, or the update \
         could not be written to the database: the sender should try again",
    ),
];

fn problems(tables: &[&[When]]) -> BTreeMap<String, RefOr<Response>> {
    let described = tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|(status, when)| {
            let schema = Content::new(Some(Ref::from_schema_name("Problem")));
            let response = ResponseBuilder::new()
                .description(*when)
                .content("application/problem+json", schema);
            let response = match *status {
                "401" => response.header("WWW-Authenticate", Header::default()),
                "405" => response
                    .header("Allow", Header::default())
                    .header("Accept-Post", Header::default()),
                "415" => response.header("Accept-Post", Header::default()),
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
    /// Of probes.
    ProbeProblems: &[ANY, PLAIN];
    /// Of the probe for load balancers.
    ReadinessProblems: &[ANY, PLAIN, READINESS];
    /// Of what needs a reader's token, and no memory budget.
    GuardedProblems: &[ANY, PLAIN, GUARDED, READER];
    /// Of what is true only of all runs, and takes no parameters.
    ServiceProblems: &[ANY, PLAIN, GUARDED, READER, RESTORING];
    /// Of reading runs.
    ReadProblems: &[ANY, GUARDED, READER, READ];
    /// Of reading one run.
    OneRunProblems: &[ANY, GUARDED, READER, READ, ONE_RUN];
    /// Of updates.
    UpdateProblems: &[ANY, GUARDED, UPDATE];
}
