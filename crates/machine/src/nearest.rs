//! "Did you mean": the nearest of a few names.

/// The candidate nearest to `name` by edit distance (case ignored), if any is near enough to be a
/// misspelling: at most a third of the longer name wrong, and at least one edit allowed.
pub fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (distance(&name, &c.as_ref().to_lowercase()), c.as_ref()))
        .filter(|(d, c)| *d <= (name.chars().count().max(c.chars().count()) / 3).max(1))
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. Only the first 64
/// characters count, so that a hostile name costs nothing.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_misspellings_and_nothing_else() {
        let models = ["cortex-a53", "cortex-a72", "neoverse-n1", "max"];
        assert_eq!(nearest("cortex-a35", models), Some("cortex-a53"));
        assert_eq!(nearest("Cortex_A72", models), Some("cortex-a72"));
        assert_eq!(nearest("mxa", models), Some("max"));
        assert_eq!(nearest("pentium", models), None);
        assert_eq!(nearest("", models), None);
        assert_eq!(nearest("x", &[] as &[String]), None);
    }
}
