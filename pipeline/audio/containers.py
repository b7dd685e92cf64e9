"""What the first bytes of a file say: its format, and how much of it should be there.

Pure functions of bytes. They find what libsndfile does not tell: a RIFF file that is shorter than
its header says, an Ogg stream without its last page, an MPEG stream that begins after junk or
names no length. Formats: RIFF and AIFF chunk headers; RFC 3533 (Ogg); ID3v2.4 section 3; ISO/IEC
11172-3 and 13818-3 (MPEG frame header), with the Xing and VBRI tables that encoders put into the
first frame.
"""

from __future__ import annotations

HEAD_BYTES = 65_536
"""How much of a file is looked at; four MPEG frames fit many times."""

_CONTAINERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (8, b"WAVE", "WAV"),
    (8, b"AVI ", "AVI"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b".snd", "AU"),
    (0, b"caff", "CAF"),
    (4, b"ftyp", "MP4 (M4A, AAC, ALAC)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF (WMA)"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"FLV\x01", "FLV"),
    (0, b".RMF", "RealMedia"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSF"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
)
_IMAGE_BRANDS = (b"heic", b"heix", b"avif", b"mif1", b"msf1")
_SIZE_UNKNOWN = 0x7FFFFFF0  # a program that wrote into a pipe put 0 or a size from here on

_MPEG1_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG1_HZ = (44_100, 48_000, 32_000)
_CHAIN_FRAMES = 4  # so many headers in a row are no accident
_MOST_FRAMES = 2**31 - 1


def sniff(head: bytes) -> str | None:
    """The format that a file's first bytes look like; None when they look like no audio."""
    window = head[id3_bytes(head) :]
    for offset, magic, name in _CONTAINERS:
        if window.startswith(magic, offset):
            image = name.startswith("MP4") and window[8:12] in _IMAGE_BRANDS
            return None if image else name
    if _is_adts(window):
        return "AAC (ADTS)"
    if mpeg_start(window) is not None or head.startswith(b"ID3"):
        return "MP3"
    return None


def id3_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that `head` begins with, 0 without one."""
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size + (20 if head[5] & 0x10 else 10)


def riff_bytes(head: bytes) -> int | None:
    """The file's length by its RIFF or AIFF header; None when it has none or does not know it."""
    if head.startswith(b"RIFF"):
        size = int.from_bytes(head[4:8], "little")
    elif head.startswith(b"FORM"):
        size = int.from_bytes(head[4:8], "big")
    else:
        return None
    return size + 8 if 0 < size < _SIZE_UNKNOWN else None


def ogg_lacks_end(tail: bytes) -> bool:
    """Whether the last Ogg page in `tail` is not marked as its stream's last one."""
    page = tail.rfind(b"OggS")
    return page < 0 or len(tail) < page + 6 or not tail[page + 5] & 4


def mpeg_start(window: bytes) -> int | None:
    """Where a chain of MPEG layer III frames begins; None when there is none."""
    start = window.find(b"\xff")
    while start >= 0:
        if _is_chain(window, start):
            return start
        start = window.find(b"\xff", start + 1)
    return None


def mpeg_names_its_length(frame: bytes) -> bool:
    """Whether the first frame of an MPEG stream holds a Xing, Info or VBRI table."""
    table = frame[: _table_offset(frame) + 6]  # two bytes more: a checksum may stand before it
    return b"Xing" in table or b"Info" in table or frame[36:40] == b"VBRI"


def mpeg_length_frame(frame: bytes) -> bytes:
    """A silent frame with a Xing table that names more frames than any file has.

    Without a table libsndfile takes the first frame's bit rate for the whole file's, and stops
    reading there: a file of variable bit rate may lose half of its music.
    """
    header = bytes((frame[0], frame[1] | 1, frame[2], frame[3]))
    table = b"Xing" + (1).to_bytes(4, "big") + _MOST_FRAMES.to_bytes(4, "big")
    body = header.ljust(_table_offset(frame), b"\0") + table
    return body.ljust(_frame_bytes(header), b"\0")


def _table_offset(frame: bytes) -> int:
    is_mpeg1, is_mono = frame[1] & 0x18 == 0x18, frame[3] >> 6 == 3
    if is_mpeg1:
        return 4 + (17 if is_mono else 32)
    return 4 + (9 if is_mono else 17)


def _is_chain(window: bytes, start: int) -> bool:
    count = 0
    while count < _CHAIN_FRAMES and start + 4 <= len(window):
        length = _frame_bytes(window[start : start + 4])
        if length == 0:
            return False
        start += length
        count += 1
    return count >= 2


def _frame_bytes(header: bytes) -> int:
    """Length of a layer III frame by its four header bytes; 0 if they are no such header."""
    version, rate, hz = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] & 0xE6 != 0xE2 or version == 1:
        return 0
    if rate in (0, 15) or hz == 3:
        return 0
    padding = header[2] >> 1 & 1
    if version == 3:
        return 144_000 * _MPEG1_KBPS[rate] // _MPEG1_HZ[hz] + padding
    halvings = 1 if version == 2 else 2
    return 72_000 * _MPEG2_KBPS[rate] // (_MPEG1_HZ[hz] >> halvings) + padding


def _is_adts(window: bytes) -> bool:
    if len(window) < 7 or window[0] != 0xFF or window[1] & 0xF6 != 0xF0:
        return False
    length = (window[3] & 3) << 11 | window[4] << 3 | window[5] >> 5
    following = window[length : length + 2]
    return len(following) < 2 or (following[0] == 0xFF and following[1] & 0xF6 == 0xF0)
