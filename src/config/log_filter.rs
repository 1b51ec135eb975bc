//! The value of `--log`: a level, and levels of modules.

use std::str::FromStr;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// The level of what no directive names.
pub(super) const DEFAULT_LEVEL: &str = "info";

/// A filter of log lines that cannot silence the service by mistake.
///
/// [`EnvFilter`] takes any word for the name of a module, so that `verbose` would be the level of a module of that
/// name, and disables all modules that no directive names. Here a word alone is a level, and levels of modules are
/// in addition to the level of all others, which is `info` unless given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The directives, as [`EnvFilter`] reads them.
    #[must_use]
    pub fn directives(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let mut directives: Vec<&str> = parts.collect();
        let is_level = |part: &str| part.parse::<LevelFilter>().is_ok();
        let names_module = |part: &str| part.contains(['=', '[']);
        if let Some(wrong) = directives
            .iter()
            .find(|part| !is_level(part) && !names_module(part))
        {
            return Err(expected(wrong));
        }
        if directives.is_empty() {
            return Err(expected(""));
        }
        if !directives.iter().copied().any(is_level) {
            directives.insert(0, DEFAULT_LEVEL);
        }
        let directives = directives.join(",");
        match EnvFilter::try_new(&directives) {
            Ok(_) => Ok(Self(directives)),
            Err(_) => Err(expected(text)),
        }
    }
}

fn expected(found: &str) -> String {
    let meant = match found.to_ascii_lowercase().as_str() {
        "warning" | "warnings" => "did you mean warn? ",
        "verbose" | "all" => "did you mean debug or trace? ",
        "err" | "errors" | "fatal" | "critical" => "did you mean error? ",
        "information" | "notice" | "normal" => "did you mean info? ",
        "none" | "quiet" | "silent" => "did you mean off? ",
        _ => "",
    };
    format!(
        "{meant}expected off, error, warn, info, debug or trace, and levels of modules such as hyper=debug, \
         separated by commas"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_names_only_modules_leaves_the_others_at_info() {
        for (text, read) in [
            ("info", "info"),
            ("WARN", "WARN"),
            ("off", "off"),
            ("5", "5"),
            ("hyper=debug", "info,hyper=debug"),
            ("myapp=debug", "info,myapp=debug"),
            ("[request]=debug", "info,[request]=debug"),
            (
                "comfydeploy_webhook=debug",
                "info,comfydeploy_webhook=debug",
            ),
            ("error,hyper=debug", "error,hyper=debug"),
            ("hyper=debug, Error,", "hyper=debug,Error"),
        ] {
            let filter = text.parse::<LogFilter>().unwrap();
            assert_eq!(filter.directives(), read, "{text}");
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_with_the_list_of_levels() {
        for text in [
            "verbose",
            "warning",
            "foo",
            "info,foo",
            "6",
            "",
            " ",
            ",",
            "==",
            "hyper=loud",
            "hyper",
        ] {
            let error = text.parse::<LogFilter>().unwrap_err();
            let levels = "expected off, error, warn, info, debug or trace";
            assert!(error.contains(levels), "{text}: {error}");
        }
        let error = "Warning".parse::<LogFilter>().unwrap_err();
        assert!(error.starts_with("did you mean warn? "), "{error}");
    }
}
