//! Statistics and tables.

use crate::turns::{Outcome, Ratio};

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    quantile(figures, 0.5)
}

/// The smallest figure that a share `q` of the figures does not exceed.
pub(crate) fn quantile(figures: impl Iterator<Item = f64>, q: f64) -> f64 {
    let mut sorted: Vec<_> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (q * last as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

pub(crate) fn title(text: &str) {
    println!("\n## {text}\n");
}

/// A table. Every cell is a figure, except the first of each row.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self(vec![head.map(str::to_owned).to_vec()])
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push(cells.into());
    }

    pub(crate) fn print(&self) {
        let widths: Vec<usize> = (0..self.0[0].len())
            .map(|column| {
                self.0
                    .iter()
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap()
            })
            .collect();
        for (n, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate();
            let cells: Vec<_> = cells
                .map(|(column, (cell, &width))| match column {
                    0 => format!("{cell:width$}"),
                    _ => format!("{cell:>width$}"),
                })
                .collect();
            println!("| {} |", cells.join(" | "));
            if n == 0 {
                let rules = widths.iter().map(|&width| "-".repeat(width + 1) + ":|");
                println!("|{}", rules.collect::<String>());
            }
        }
    }
}

/// The columns of a table that compares two servers, `one` with `other`.
pub(crate) fn turns_head<'n>(name: &'n str, one: &'n str, other: &'n str) -> [&'n str; 9] {
    [
        name,
        one,
        other,
        "ratio",
        "quartiles",
        "5 blocks",
        "CPU µs each",
        "ratio of CPU",
        "busy",
    ]
}

pub(crate) fn turns_row(name: &str, outcomes: &[Outcome; 2]) -> [String; 9] {
    let ratio = Ratio::of(outcomes);
    let [one, other] = outcomes;
    let range = |[least, most]: [f64; 2]| format!("{least:.3} to {most:.3}");
    [
        name.to_owned(),
        format!("{:.0}/s", one.per_second()),
        format!("{:.0}/s", other.per_second()),
        format!("{:.3}", ratio.median),
        range(ratio.quartiles),
        range(ratio.blocks),
        both(one.cpu_per_request(), other.cpu_per_request(), |cpu| {
            format!("{cpu:.2}")
        }),
        shown(ratio_of_cpu(outcomes), |ratio| format!("{ratio:.3}")),
        both(one.busy(), other.busy(), |busy| {
            format!("{:.0} %", busy * 100.0)
        }),
    ]
}

/// How many more requests the first serves than the second in the same CPU time. Other work on the machine
/// hardly changes this figure.
fn ratio_of_cpu([one, other]: &[Outcome; 2]) -> Option<f64> {
    Some(other.cpu_per_request()? / one.cpu_per_request()?)
}

/// A figure, or a dash if the system does not provide it.
pub(crate) fn shown(figure: Option<f64>, show: impl Fn(f64) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), show)
}

/// The figures of both.
pub(crate) fn both(one: Option<f64>, other: Option<f64>, show: impl Fn(f64) -> String) -> String {
    format!("{}, {}", shown(one, &show), shown(other, &show))
}

/// The median and the 99th percentile.
pub(crate) fn latency(outcome: &Outcome) -> String {
    format!("{:.0} / {:.0}", outcome.latency(0.5), outcome.latency(0.99))
}
