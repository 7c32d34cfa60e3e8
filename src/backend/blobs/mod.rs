//! What is kept by its content: files, outputs of commands (EVI.3). Owns the folder of blobs; what a blob shows is the
//! log's to say. A blob is durable before anything names it, streamed both ways, and checked whenever it is read.

mod store;

pub use store::{BlobError, Blobs, Digest, Reading};
