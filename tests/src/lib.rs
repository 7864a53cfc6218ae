//! Whole-system scenarios; everything is in the test binary.
