package http1

// AppendChunkHeader appends the size line of a chunk with n > 0 bytes of data; the data and ChunkEnd follow it.
func AppendChunkHeader(dst []byte, n int) []byte { return dst }

// ChunkEnd ends the data of a chunk.
const ChunkEnd = "\r\n"

// AppendChunk appends data as one chunk; nothing if data is empty (an empty chunk would end the body).
func AppendChunk(dst, data []byte) []byte { return dst }

// AppendLastChunk appends the end of a chunked body with a trailer section taken from Body.Trailer, or nil. Pass the trailer of a
// response only to a client with Request.Trailers (RFC 9110 section 6.5.1).
func AppendLastChunk(dst, trailer []byte) []byte { return dst }
