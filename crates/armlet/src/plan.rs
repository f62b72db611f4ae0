//! The plan: a few lines on stderr, before the console, that say what is about to run.

use std::fmt::Write;

/// Columns of the names: the longest is `machine`.
const WIDTH: usize = 8;

/// Lines of a name and what it is. Those that are empty are left out.
#[derive(Default)]
pub struct Plan(Vec<(&'static str, String)>);

impl Plan {
    /// Adds a line.
    pub fn line(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// Adds a line unless there is one of that name.
    pub fn line_unless_told(&mut self, name: &'static str, value: String) {
        if self.0.iter().all(|(told, _)| *told != name) {
            self.line(name, value);
        }
    }

    /// The text: values in a column, the same one for every machine.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "{name:<WIDTH$} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_a_column_and_once() {
        let mut plan = Plan::default();
        plan.line("machine", "virt");
        plan.line("gic", "");
        plan.line("memory", "1 GiB");
        plan.line_unless_told("machine", "told already".into());
        plan.line_unless_told("cpus", "4".into());
        assert_eq!(plan.text(), "machine  virt\nmemory   1 GiB\ncpus     4\n");
    }
}
