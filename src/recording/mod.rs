//! Recordings outside of memory: as text, in files, on a page. What is recorded, and how it is replayed, is
//! [`prober_core::diagnosis::recording`].
//!
//! | module | holds |
//! | --- | --- |
//! | [`text`] | header and lines as JSON, one document a line |
//! | [`mod@file`] | a file of such lines, compressed or not |
//! | [`route`] | `GET /api/v1/recording` |
//! | [`folder`] | recordings sealed into a folder when findings begin |
//! | [`time`] | times for people and for names of files |

pub mod file;
pub mod folder;
pub mod route;
pub mod text;
pub mod time;
