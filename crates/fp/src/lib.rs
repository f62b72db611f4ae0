//! Arm floating-point arithmetic in software, exact to the bit.
