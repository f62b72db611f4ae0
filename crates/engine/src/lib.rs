//! The software CPU: micro-ops, front ends, interpreter, soft TLB.
