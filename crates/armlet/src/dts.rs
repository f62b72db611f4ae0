//! A device tree as source, the way `dtc -I dtb -O dts` writes it.

use std::fmt::Write;

use armlet_machine::fdt::{Node, Tree};

/// The tree as text.
pub fn source(tree: &Tree) -> String {
    let mut text = String::from("/dts-v1/;\n\n");
    for (start, len) in &tree.reserved {
        let _ = writeln!(text, "/memreserve/ {start:#x} {len:#x};");
    }
    node(&mut text, &tree.root, 0);
    text
}

fn node(text: &mut String, this: &Node, depth: usize) {
    let indent = "\t".repeat(depth);
    let name = if depth == 0 { "/" } else { &this.name };
    let _ = writeln!(text, "{indent}{name} {{");
    for (name, value) in &this.properties {
        let _ = match property(value) {
            None => writeln!(text, "{indent}\t{name};"),
            Some(value) => writeln!(text, "{indent}\t{name} = {value};"),
        };
    }
    for child in &this.children {
        text.push('\n');
        node(text, child, depth + 1);
    }
    let _ = writeln!(text, "{indent}}};");
}

/// A property's value; nothing for a mere flag. Properties carry no type: what looks like strings is
/// written as strings, what has whole cells as cells, anything else as bytes.
fn property(value: &[u8]) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    if let Some(strings) = strings(value) {
        return Some(strings.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(", "));
    }
    let list = |items: Vec<String>| items.join(" ");
    Some(if value.len().is_multiple_of(4) {
        let cells =
            value.chunks(4).map(|c| format!("{:#x}", c.iter().fold(0u32, |n, b| n << 8 | u32::from(*b))));
        format!("<{}>", list(cells.collect()))
    } else {
        format!("[{}]", list(value.iter().map(|b| format!("{b:02x}")).collect()))
    })
}

/// One or more NUL-terminated printable strings, none of them empty.
fn strings(value: &[u8]) -> Option<Vec<&str>> {
    let (last, all) = value.split_last()?;
    let strings: Vec<&str> = std::str::from_utf8(all).ok()?.split('\0').collect();
    let good = |s: &&str| !s.is_empty() && s.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    (*last == 0 && strings.iter().all(good)).then_some(strings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_their_looks() {
        for (bytes, text) in [
            (&b""[..], None),
            (b"virt\0", Some("\"virt\"")),
            (b"arm,pl011\0arm,primecell\0", Some("\"arm,pl011\", \"arm,primecell\"")),
            (&[0, 0, 0, 1, 0x40, 0, 0, 0], Some("<0x1 0x40000000>")),
            (&[1, 2, 3], Some("[01 02 03]")),
            (&[0], Some("[00]")),
            (b"no end", Some("[6e 6f 20 65 6e 64]")),
        ] {
            assert_eq!(property(bytes).as_deref(), text);
        }
    }

    #[test]
    fn a_tree_is_indented() {
        let root =
            Node::new("").cells("#address-cells", &[2]).child(Node::new("psci").strings("method", &["hvc"]));
        let text = source(&Tree { root, reserved: vec![] });
        assert_eq!(
            text,
            "/dts-v1/;\n\n/ {\n\t#address-cells = <0x2>;\n\n\tpsci {\n\t\tmethod = \"hvc\";\n\t};\n};\n"
        );
    }
}
