//! Kafka's default partitioner: which partition a key belongs to.

const M: u32 = 0x5BD1_E995;

/// Kafka's murmur2 of a key (org.apache.kafka.common.utils.Utils.murmur2).
pub fn murmur2(data: &[u8]) -> u32 {
    let mut hash = 0x9747_B28C ^ data.len() as u32;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        let rest = tail
            .iter()
            .rev()
            .fold(0u32, |rest, &byte| rest << 8 | byte as u32);
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

/// The partition, of `count`, in which every producer puts a key.
pub fn partition_of(key: &[u8], count: u32) -> u32 {
    (murmur2(key) & 0x7FFF_FFFF) % count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own test (UtilsTest.testMurmur2).
    #[test]
    fn as_kafka_has_it() {
        for (key, hash) in [
            (&b"21"[..], -973932308i32),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            (b"abc", 479470107),
        ] {
            assert_eq!(murmur2(key) as i32, hash);
        }
    }
}
