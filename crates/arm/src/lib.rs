//! The Arm architecture as facts: registers, syndromes, decode tables, translation tables.
