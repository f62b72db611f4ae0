//! A scripted backend for tests of the run loop.
