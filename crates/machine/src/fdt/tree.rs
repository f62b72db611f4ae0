//! A device tree in memory, from and to its flattened form (Devicetree Specification, chapter 5).

use vm_fdt::{FdtReserveEntry, FdtWriter};

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;
/// Linux takes no larger tree (booting.rst).
pub const MAX_LEN: usize = 2 << 20;
/// Offset of the header's field `totalsize` (Devicetree Specification, 5.2).
const TOTAL_SIZE: usize = 4;
const MAX_DEPTH: usize = 64;

/// Why a device tree can't be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DtbError {
    /// The magic number is missing.
    #[error("this is not a device tree blob (it starts with {0:#010x}, not 0xd00dfeed); compile it with dtc")]
    NotATree(u32),
    /// Larger than a kernel takes.
    #[error("the device tree has {0} bytes, and Linux takes at most 2 MiB; make it smaller")]
    TooLarge(usize),
    /// Shorter than its header says.
    #[error("the device tree is cut short: it needs {need} bytes and has {have}; copy it again")]
    Truncated {
        /// Bytes by the header.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// A format version nobody here reads.
    #[error(
        "the device tree is of version {0}, and armlet reads version 16 and 17; compile it with a newer dtc"
    )]
    Version(u32),
    /// Inconsistent contents.
    #[error("the device tree is damaged ({0}); compile it again")]
    Corrupt(&'static str),
    /// A node or property that can't be written back.
    #[error("the device tree can't be changed for this guest ({0}); leave out the command line and initrd")]
    Write(String),
}

/// A node with its properties and children in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Name with unit address; empty for the root.
    pub name: String,
    /// Properties by name, raw big-endian values.
    pub properties: Vec<(String, Vec<u8>)>,
    /// Child nodes.
    pub children: Vec<Node>,
}

impl Node {
    /// An empty node.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The raw value of a property.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.properties.iter().find(|(n, _)| n == name).map(|(_, value)| &value[..])
    }

    /// Sets a property to raw bytes.
    pub fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.set(name, value.to_vec());
        self
    }

    /// Replaces or adds a property.
    pub fn set(&mut self, name: &str, value: Vec<u8>) {
        match self.properties.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.properties.push((name.to_owned(), value)),
        }
    }

    /// Sets a property without a value.
    pub fn flag(self, name: &str) -> Self {
        self.bytes(name, &[])
    }

    /// Sets a property to 32-bit cells.
    pub fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.bytes(name, &value)
    }

    /// Sets a property to 64-bit values, two cells each.
    pub fn wide(self, name: &str, values: &[u64]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        self.bytes(name, &value)
    }

    /// Sets a property to NUL-terminated strings.
    pub fn strings(self, name: &str, strings: &[&str]) -> Self {
        let value: Vec<u8> = strings.iter().flat_map(|s| s.bytes().chain([0])).collect();
        self.bytes(name, &value)
    }

    /// Adds a child.
    pub fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// Adds children.
    pub fn children(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    /// The child of this name, made if it is not there.
    pub fn child_mut(&mut self, name: &str) -> &mut Node {
        let at = self.children.iter().position(|c| c.name == name).unwrap_or_else(|| {
            self.children.push(Node::new(name));
            self.children.len() - 1
        });
        &mut self.children[at]
    }

    fn write(&self, out: &mut FdtWriter) -> Result<(), vm_fdt::Error> {
        let node = out.begin_node(&self.name)?;
        for (name, value) in &self.properties {
            out.property(name, value)?;
        }
        for child in &self.children {
            child.write(out)?;
        }
        out.end_node(node)
    }
}

/// Lets a flattened tree grow by `room` bytes where it lies: firmware adds the command line and more in place.
pub fn with_room(mut blob: Vec<u8>, room: usize) -> Vec<u8> {
    let len = blob.len() + room;
    blob.resize(len, 0);
    blob[TOTAL_SIZE..TOTAL_SIZE + 4].copy_from_slice(&(len as u32).to_be_bytes());
    blob
}

/// A whole device tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The root node.
    pub root: Node,
    /// Reserved memory: address and length.
    pub reserved: Vec<(u64, u64)>,
}

impl Tree {
    /// Flattens the tree.
    pub fn to_blob(&self) -> Result<Vec<u8>, DtbError> {
        let write = |e: vm_fdt::Error| DtbError::Write(e.to_string());
        let reserved: Result<Vec<_>, _> =
            self.reserved.iter().map(|(at, len)| FdtReserveEntry::new(*at, *len)).collect();
        let mut out = FdtWriter::new_with_mem_reserv(&reserved.map_err(write)?).map_err(write)?;
        self.root.write(&mut out).map_err(write)?;
        let blob = out.finish().map_err(write)?;
        if blob.len() > MAX_LEN { Err(DtbError::TooLarge(blob.len())) } else { Ok(blob) }
    }

    /// Reads a flattened tree. Bytes after its end are ignored.
    pub fn parse(blob: &[u8]) -> Result<Self, DtbError> {
        let blob = check_header(blob)?;
        let at = |field: usize| cell(blob, field).map(|v| v as usize).ok_or(DtbError::Corrupt("header"));
        let (structure, strings) = (at(8)?, at(12)?);
        let strings = blob.get(strings..).ok_or(DtbError::Corrupt("strings beyond the end"))?;
        let reserved = parse_reserved(blob, at(16)?)?;
        let mut cursor = Cursor { blob, at: structure };
        let mut open: Vec<Node> = Vec::new();
        loop {
            match cursor.cell()? {
                NOP => {}
                BEGIN_NODE if open.len() < MAX_DEPTH => open.push(Node::new(cursor.name()?)),
                BEGIN_NODE => return Err(DtbError::Corrupt("nodes nested too deep")),
                PROP => {
                    let (len, name) = (cursor.cell()? as usize, cursor.cell()? as usize);
                    let value = cursor.take(len)?.to_vec();
                    let name = strings.get(name..).and_then(c_string);
                    let name = name.ok_or(DtbError::Corrupt("property name"))?;
                    let node = open.last_mut().ok_or(DtbError::Corrupt("property outside a node"))?;
                    node.properties.push((name, value));
                }
                END_NODE => {
                    let node = open.pop().ok_or(DtbError::Corrupt("node end without a start"))?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => return Ok(Self { root: node, reserved }),
                    }
                }
                END => return Err(DtbError::Corrupt("it ends inside a node")),
                _ => return Err(DtbError::Corrupt("unknown token")),
            }
        }
    }
}

/// Checks magic number, size and version; returns the blob without what follows it.
pub fn check_header(blob: &[u8]) -> Result<&[u8], DtbError> {
    let have = blob.len();
    let short = |need| DtbError::Truncated { need, have };
    match cell(blob, 0) {
        Some(MAGIC) => {}
        Some(other) => return Err(DtbError::NotATree(other)),
        None => return Err(short(40)),
    }
    let (Some(need), Some(version), Some(compatible)) = (cell(blob, 4), cell(blob, 20), cell(blob, 24))
    else {
        return Err(short(40));
    };
    let need = need as usize;
    if need > MAX_LEN {
        return Err(DtbError::TooLarge(need));
    }
    if version < 16 || compatible > 17 {
        return Err(DtbError::Version(version));
    }
    blob.get(..need.max(40)).ok_or_else(|| short(need.max(40)))
}

fn parse_reserved(blob: &[u8], at: usize) -> Result<Vec<(u64, u64)>, DtbError> {
    let entries = blob.get(at..).ok_or(DtbError::Corrupt("reservations beyond the end"))?;
    let mut reserved = Vec::new();
    for entry in entries.as_chunks::<16>().0 {
        let (at, len) = entry.split_at(8);
        let value = |half: &[u8]| half.first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
        if value(len) == 0 {
            return Ok(reserved);
        }
        reserved.push((value(at), value(len)));
    }
    Err(DtbError::Corrupt("reservations without an end"))
}

fn cell(blob: &[u8], at: usize) -> Option<u32> {
    blob.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

fn c_string(bytes: &[u8]) -> Option<String> {
    let len = bytes.iter().position(|b| *b == 0)?;
    String::from_utf8(bytes[..len].to_vec()).ok()
}

struct Cursor<'a> {
    blob: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DtbError> {
        let rest = self.blob.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(DtbError::Corrupt("it ends too early"))?;
        self.at = (self.at + len).next_multiple_of(4);
        Ok(taken)
    }

    fn cell(&mut self) -> Result<u32, DtbError> {
        cell(self.take(4)?, 0).ok_or(DtbError::Corrupt("it ends too early"))
    }

    fn name(&mut self) -> Result<String, DtbError> {
        let rest = self.blob.get(self.at..).unwrap_or_default();
        let name = c_string(rest).ok_or(DtbError::Corrupt("node name"))?;
        self.take(name.len() + 1)?;
        Ok(name)
    }
}

/// Every node with its path, breadth first.
#[cfg(test)]
pub fn walk(root: &Node) -> Vec<(String, &Node)> {
    let mut queue = std::collections::VecDeque::from([(String::new(), root)]);
    let mut seen = Vec::new();
    while let Some((path, node)) = queue.pop_front() {
        for child in &node.children {
            queue.push_back((format!("{path}/{}", child.name), child));
        }
        seen.push((path, node));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree() -> Tree {
        let cpu = Node::new("cpu@0").cells("reg", &[0]).strings("compatible", &["arm,armv8"]);
        let root = Node::new("")
            .cells("#address-cells", &[2])
            .strings("model", &["a", "b"])
            .child(Node::new("cpus").child(cpu))
            .child(Node::new("chosen").flag("nothing").bytes("odd", &[1, 2, 3, 4, 5]));
        Tree { root, reserved: vec![(0x1000, 0x2000)] }
    }

    #[test]
    fn survives_the_round_trip() {
        let mut blob = tree().to_blob().unwrap();
        assert_eq!(Tree::parse(&blob), Ok(tree()));
        let roomy = with_room(blob.clone(), 4096);
        assert_eq!(check_header(&roomy).unwrap().len(), blob.len() + 4096);
        assert_eq!(Tree::parse(&roomy), Ok(tree()));
        blob.extend_from_slice(&[0xff; 9]);
        assert_eq!(Tree::parse(&blob), Ok(tree()));
        assert_eq!(walk(&tree().root).last().unwrap().0, "/cpus/cpu@0");
    }

    #[test]
    fn says_what_is_wrong_with_a_blob() {
        let blob = tree().to_blob().unwrap();
        assert!(Tree::parse(b"/dts-v1/;").unwrap_err().to_string().starts_with("this is not a device tree"));
        assert!(matches!(Tree::parse(&blob[..blob.len() - 1]), Err(DtbError::Truncated { .. })));
        assert!(matches!(Tree::parse(&[]), Err(DtbError::Truncated { .. })));
        let mut old = blob.clone();
        old[23] = 3;
        assert_eq!(Tree::parse(&old), Err(DtbError::Version(3)));
        let mut huge = blob;
        huge[4] = 1;
        assert!(matches!(Tree::parse(&huge), Err(DtbError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn never_panics(
            random in proptest::collection::vec(any::<u8>(), 0..200),
            edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        ) {
            let _ = Tree::parse(&random);
            let mut blob = tree().to_blob().unwrap();
            for (at, value) in edits {
                let at = at % blob.len();
                blob[at] = value;
            }
            if let Ok(tree) = Tree::parse(&blob) {
                let _ = tree.to_blob();
            }
        }
    }
}
