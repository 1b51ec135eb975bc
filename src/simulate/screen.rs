//! Showing how far the play is, on standard error.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// A terminal, where one line is written over and over, or a file, which gets a line now and then.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// When to show something new.
    pub(super) fn turns(&self) -> Interval {
        let every = if self.is_terminal {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(5)
        };
        let mut turns = interval(every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        turns.reset();
        turns
    }

    /// A line that stays.
    pub(super) fn say(&self, line: impl fmt::Display) {
        self.clear();
        write(io::stderr(), format_args!("{line}\n"));
    }

    /// A line in the place of the one before, where that is possible.
    pub(super) fn show(&self, line: impl fmt::Display) {
        if self.is_terminal {
            write(io::stderr(), format_args!("\r{line}\x1b[K"));
        } else {
            self.say(line);
        }
    }

    /// Makes room for what is said next.
    pub(super) fn clear(&self) {
        if self.is_terminal {
            write(io::stderr(), format_args!("\r\x1b[K"));
        }
    }

    /// What the program was asked for, on standard output.
    pub(super) fn print(&self, text: &str) {
        self.clear();
        write(io::stdout(), format_args!("{text}"));
    }
}

/// A reader that has gone away does not end the play.
fn write(mut stream: impl Write, text: fmt::Arguments<'_>) {
    let _ = stream.write_fmt(text).and_then(|()| stream.flush());
}
