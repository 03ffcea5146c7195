package http1

// ChunkEnd ends the data of a chunk.
const ChunkEnd = "\r\n"

// AppendChunkHeader appends the size line of a chunk with n > 0 bytes of data; the data and ChunkEnd follow it.
func AppendChunkHeader(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return append(dst, "\r\n"...)
}

// AppendChunk appends data as one chunk; nothing if data is empty (an empty chunk would end the body).
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkHeader(dst, len(data))
	dst = append(dst, data...)
	return append(dst, ChunkEnd...)
}

// AppendLastChunk appends the end of a chunked body with a trailer section taken from Body.Trailer, or nil. Pass the trailer of a
// response only to a client with Request.Trailers (RFC 9110 section 6.5.1).
func AppendLastChunk(dst, trailer []byte) []byte {
	dst = append(dst, "0\r\n"...)
	dst = append(dst, trailer...)
	return append(dst, "\r\n"...)
}
