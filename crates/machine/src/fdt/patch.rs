//! Telling the user's own device tree about the command line and the initrd.

use super::tree::{DtbError, Tree, check_header};
use super::{Chosen, Node};

/// Checks the user's tree and sets `/chosen` in it.
///
/// Only `bootargs` and `linux,initrd-start`/`-end` are touched, each only if there is something to
/// say; memory, CPUs and devices stay as the user wrote them. With nothing to say the blob is passed on
/// byte for byte.
pub fn patch(blob: &[u8], chosen: &Chosen) -> Result<Vec<u8>, DtbError> {
    let checked = check_header(blob)?;
    let mut tree = Tree::parse(checked)?;
    if *chosen == Chosen::default() {
        return Ok(checked.to_vec());
    }
    set_chosen(tree.root.child_mut("chosen"), chosen);
    tree.to_blob()
}

/// Sets the properties of a `/chosen` node that `chosen` has something for.
pub fn set_chosen(node: &mut Node, chosen: &Chosen) {
    if let Some(args) = &chosen.bootargs {
        let args: Vec<u8> = args.bytes().take_while(|b| *b != 0).chain([0]).collect();
        node.set("bootargs", args);
    }
    if let Some(initrd) = &chosen.initrd {
        node.set("linux,initrd-start", initrd.start.to_be_bytes().to_vec());
        node.set("linux,initrd-end", initrd.end.to_be_bytes().to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_only_what_there_is_to_say() {
        let root = Node::new("")
            .child(Node::new("chosen").strings("bootargs", &["old"]).strings("stdout-path", &["/uart"]));
        let blob = Tree { root, reserved: vec![] }.to_blob().unwrap();
        assert_eq!(patch(&blob, &Chosen::default()).unwrap(), blob);
        let chosen = Chosen { bootargs: Some("quiet".into()), initrd: Some(0x4800_0000..0x4800_1000) };
        let patched = Tree::parse(&patch(&blob, &chosen).unwrap()).unwrap();
        let node = &patched.root.children[0];
        assert_eq!(node.get("bootargs"), Some(&b"quiet\0"[..]));
        assert_eq!(node.get("stdout-path"), Some(&b"/uart\0"[..]));
        assert_eq!(node.get("linux,initrd-end"), Some(&0x4800_1000u64.to_be_bytes()[..]));
        assert!(patch(b"no tree at all", &chosen).is_err());
    }
}
