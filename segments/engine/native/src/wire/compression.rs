//! Reading the compressed part of a record batch as a stream, so that no batch, whatever it expands to, is in memory
//! as a whole.

use super::record::RUN_BYTES;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

/// Part of the bytes of a fetch.
pub struct Part {
    bytes: Arc<[u8]>,
    at: usize,
    end: usize,
}

impl Part {
    /// The bytes from `start` up to but not including `end`.
    pub fn new(bytes: Arc<[u8]>, start: usize, end: usize) -> Part {
        Part {
            bytes,
            at: start,
            end,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }
}

impl Read for Part {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.rest().read(out)?;
        self.at += count;
        Ok(count)
    }
}

/// What reads the records of a batch.
pub type Stream = Box<dyn Read + Send + Sync>;

/// A stream of what is in `part` for the compression of a batch's attributes; in words if there is none.
pub fn open(codec: u8, part: Part) -> Result<Stream, String> {
    match codec {
        0 => Ok(Box::new(part)),
        1 => Ok(Box::new(flate2::read::MultiGzDecoder::new(part))),
        2 => Ok(Box::new(Snappy::open(part)?)),
        3 => Ok(Box::new(lz4_flex::frame::FrameDecoder::new(part))),
        4 => zstd(part).map_err(|error| error.to_string()),
        other => Err(format!("the compression {other} is not known")),
    }
}

fn zstd(part: Part) -> io::Result<Stream> {
    let mut decoder = zstd::stream::read::Decoder::new(part)?;
    // A window of 8 MiB holds any batch that was compressed at a usual level; a header may ask for 2 GiB.
    decoder.window_log_max(23)?;
    Ok(Box::new(decoder))
}

/// Java's framing of Snappy: this, two numbers of four bytes, then blocks with their length in four bytes.
const FRAMED: &[u8] = b"\x82SNAPPY\0";
const FRAME_HEADER: usize = 16;
/// Snappy copies at most 64 bytes for three of its own.
const SNAPPY_RATIO: usize = 22;

/// Snappy, with Java's framing or as one block (librdkafka).
struct Snappy {
    part: Part,
    framed: bool,
    block: Cursor<Vec<u8>>,
}

impl Snappy {
    fn open(mut part: Part) -> Result<Snappy, String> {
        let framed = part.rest().starts_with(FRAMED);
        if framed {
            part.at += FRAME_HEADER.min(part.rest().len());
        }
        Ok(Snappy {
            part,
            framed,
            block: Cursor::default(),
        })
    }

    /// The length of the next block as it is compressed.
    fn length(&mut self) -> io::Result<usize> {
        if !self.framed {
            return Ok(self.part.rest().len());
        }
        let mut length = [0; 4];
        self.part.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > self.part.rest().len() {
            return Err(io::Error::other("a block of snappy is longer than its batch"));
        }
        Ok(length)
    }

    fn next_block(&mut self) -> io::Result<()> {
        let length = self.length()?;
        let block = &self.part.rest()[..length];
        let expanded = snap::raw::decompress_len(block)?;
        if expanded > SNAPPY_RATIO * length + RUN_BYTES / 1024 {
            return Err(io::Error::other(
                "a block of snappy says that it is longer than it can be",
            ));
        }
        let block = snap::raw::Decoder::new().decompress_vec(block)?;
        self.part.at += length;
        self.block = Cursor::new(block);
        Ok(())
    }
}

impl Read for Snappy {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.block.read(out)?;
            if count > 0 || self.part.rest().is_empty() || out.is_empty() {
                return Ok(count);
            }
            self.next_block()?;
        }
    }
}
