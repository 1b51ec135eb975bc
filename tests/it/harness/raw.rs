//! Requests and responses as bytes on a socket, for what an HTTP client would not send.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::{WEBHOOK, with_timeout};

/// The head of a request, with more headers.
pub(crate) fn head(method: &str, path: &str, content_type: &str, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n{headers}\r\n\r\n"
    )
}

/// The head of an update, with more headers.
pub(crate) fn update_head(headers: &str) -> String {
    head("POST", WEBHOOK, "application/json", headers)
}

/// A whole request that reads.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// Connects as a client whose socket holds next to nothing, so that the server notices at once when it does
/// not read.
pub(crate) async fn connect_not_reading(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

pub(crate) async fn send(connection: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    connection.write_all(bytes.as_ref()).await.unwrap();
}

/// Reads the status of a response, and no more of it.
pub(crate) async fn read_status(connection: &mut TcpStream) -> String {
    let mut start = [0; 12];
    with_timeout(connection.read_exact(&mut start))
        .await
        .unwrap();
    let start = str::from_utf8(&start).unwrap();
    let (_version, status) = start.split_once(' ').unwrap();
    status.to_owned()
}

/// Checks the status of a response as it was read.
#[track_caller]
pub(crate) fn assert_status(response: &str, status: u16) {
    let start = format!("HTTP/1.1 {status} ");
    assert!(response.starts_with(&start), "{status}: {response}");
}

/// Reads until the server closes the connection.
pub(crate) async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut response = Vec::new();
    with_timeout(connection.read_to_end(&mut response))
        .await
        .unwrap();
    String::from_utf8(response).unwrap()
}

/// Checks that the server responds on a connection, which stays open.
pub(crate) async fn assert_healthy(connection: &mut TcpStream) {
    send(connection, get("/healthz")).await;
    let mut response = Vec::new();
    while !response.ends_with(b"ok\n") {
        let read = with_timeout(connection.read_buf(&mut response)).await;
        assert!(
            read.unwrap() > 0,
            "closed after {:?}",
            String::from_utf8(response)
        );
    }
}
